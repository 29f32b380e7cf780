"""`earshot tune` on the logs of a field run of the emulated board."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from emulated_runs import Models

from harness.bench_file import read_bench
from harness.boards.emulated import EmulatedBoard
from harness.cli import main
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_USAGE
from harness.firmware.engine import get_engine
from harness.records.checksum import dump_with_checksum
from harness.runs.field.run import FieldRun, begin_folder
from harness.runs.request import Setup
from models.store import sha256_of


@pytest.fixture(scope="module")
def played(plan, store, model, tmp_path_factory) -> Path:
    """The folder of a run of a model with random weights."""
    setup = Setup(Models(model, store=store), EmulatedBoard(), get_engine("codegen"))
    folder = begin_folder(tmp_path_factory.mktemp("field"), setup, plan, None, {"kind": "field"})
    FieldRun(plan, setup, folder, store=store).run()
    return folder.path


@pytest.fixture
def tune(capsys):
    """Run the command with options; return exit code, output and errors."""

    def run(*options: object) -> tuple[int, str, str]:
        status = main(["tune", *map(str, options)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_chosen_recognizer_goes_into_the_bench_file(tune, played, model, tmp_path):
    """All words are of one speaker, and none is the "yes" that the model cannot hear."""
    run = changed(played, tmp_path / "run")
    plan = json.loads((run / "plan.json").read_text())
    for word in chain.from_iterable(segment["words"] for segment in plan["segments"]):
        word |= {"speaker": "anna", "word": word["word"].replace("yes", "dog")}
    write_run(run, plan)
    bench = tmp_path / "bench.toml"
    options = (run, "--false-accepts", "5000/h", "--other-words", "100%", "--output", tmp_path / "out")
    status, printed, _ = tune(*options)
    assert status == EXIT_CLEAN and not bench.exists()
    assert f"[recognizer.{model.id}]" in printed and "the default detects" in printed
    status, printed, _ = tune(*options, "--write", "--bench", bench)
    assert status == EXIT_CLEAN and f"Written: {bench}" in printed
    chosen = read_bench(bench).recognizer[model.id]
    assert set(chosen.thresholds) == {"yes", "no"}
    assert f"the {chosen.smoothing} of {chosen.window_ms} ms" in printed
    page = (tmp_path / "out" / "tuning.html").read_text()
    assert f"[recognizer.{model.id}]" in page and page.count("<svg") == 1
    fronts = pd.read_csv(tmp_path / "out" / "fronts.csv")
    assert set(fronts["front"]) == {"false accepts", "other words"}
    assert set(fronts["average"]) == {"default", "mean", "exponential"}


def test_too_little_keyword_free_audio_is_refused_with_the_hours_it_takes(tune, played):
    status, _, error = tune(played, "--false-accepts", "3/24h")
    assert status == EXIT_USAGE and error.count("\n") == 1
    assert "cannot show at most 0.125 false accepts per hour: that takes 24.0\u00a0h without one" in error


def test_the_rate_that_the_audio_can_show_is_allowed(tune, played, tmp_path):
    _, _, error = tune(played, "--false-accepts", "1/h")
    allowed = re.search(r"or allow (\S+/h)", error)[1]
    _, _, error = tune(played, "--false-accepts", allowed, "--other-words", "100%", "--output", tmp_path)
    assert "cannot show" not in error


def test_a_recognizer_that_never_detects_a_played_keyword_is_not_written(tune, played, model, tmp_path):
    """The model hears nothing in "yes" that any threshold admits."""
    bench = tmp_path / "bench.toml"
    options = (played, "--false-accepts", "5000/h", "--other-words", "100%", "--output", tmp_path / "out")
    status, printed, _ = tune(*options)
    assert status == EXIT_CLEAN and "smoothing =" not in printed
    assert "It never detects yes (1 played) within the limits. No limits change that" in printed
    status, printed, _ = tune(*options, "--write", "--bench", bench)
    assert status == EXIT_INCONCLUSIVE and not bench.exists() and "Written" not in printed
    assert f"Not for the bench file: [recognizer.{model.id}], since it never detects yes." in printed


def write_run(run: Path, plan: dict[str, Any], record: dict[str, Any] | None = None) -> None:
    """Write a plan and a record, by default the run's, with their checksums."""
    record = record or json.loads((run / "field.json").read_text())
    (run / "plan.json").write_text(json.dumps(plan))
    record["plan"]["sha256"] = sha256_of(run / "plan.json")
    (run / "field.json").write_text(dump_with_checksum(record))


def changed(run: Path, other: Path, seed: int = 2, segment: Any = (), **changes: object) -> Path:
    """Copy a run without its recordings; change its sound's seed, its last segment, and its variant."""
    shutil.copytree(run, other)
    plan, record = (
        json.loads((other / "plan.json").read_text()),
        json.loads((other / "field.json").read_text()),
    )
    plan["folder"] = "gone"
    for each in plan["segments"]:
        each["seed"] += seed
    plan["segments"][-1] |= segment
    record["variants"][0] |= changes
    write_run(other, plan, record)
    return other


def test_several_runs_add_up_and_have_to_be_of_one_kind(tune, played, tmp_path):
    other = changed(played, tmp_path / "other")
    options = ("--false-accepts", "5000/h", "--other-words", "100%", "--output", tmp_path / "out")
    _, once, _ = tune(played, *options)
    _, twice, _ = tune(played, other, *options)
    assert " of 2 " in once and " of 4 " in twice
    record = json.loads((other / "field.json").read_text())
    record["window_s"] = 2.0
    (other / "field.json").write_text(dump_with_checksum(record))
    status, _, error = tune(played, other)
    assert status == EXIT_USAGE and "differ in the detection window: 1 s and 2 s" in error


@pytest.mark.parametrize(
    ("row", "key", "value", "difference"),
    [
        ("model", "front_end", "log_mel", "the front end: micro and log_mel"),
        ("firmware", "footprint", "small", "the engine: codegen fast -Os and codegen small -Os"),
    ],
)
def test_runs_of_different_kinds_are_not_tuned_together(tune, played, tmp_path, row, key, value, difference):
    (variant,) = json.loads((played / "field.json").read_text())["variants"]
    other = changed(played, tmp_path / "other", **{row: {**variant[row], key: value}})
    status, _, error = tune(played, other)
    assert status == EXIT_USAGE and f"differ in {difference}" in error


@pytest.mark.parametrize("route", ["pcm", "acoustic"])
def test_the_same_sound_counts_only_once(tune, played, tmp_path, route):
    one, other = (changed(played, tmp_path / name, seed=0, route=route) for name in ("one", "other"))
    status, _, error = tune(one, other)
    assert (
        status == EXIT_USAGE and f"have the same sound, which counts only once ({one} and {other})" in error
    )


def test_the_same_words_beside_other_keyword_free_audio_count_only_once(tune, played, tmp_path):
    one, other = (
        changed(played, tmp_path / name, seed=0, segment={"seed": seed})
        for name, seed in (("one", 1), ("other", 2))
    )
    status, _, error = tune(one, other)
    assert status == EXIT_USAGE and "have the same sound, which counts only once" in error


def test_a_file_of_keyword_free_audio_counts_only_once(tune, played, tmp_path):
    file = {"background": "kitchen.wav", "background_sha256": "0" * 64}
    one, other = (
        changed(played, tmp_path / name, seed=seed, segment=file) for name, seed in (("one", 0), ("other", 2))
    )
    status, _, error = tune(one, other)
    assert (
        status == EXIT_USAGE and f"have the same sound, which counts only once ({one} and {other})" in error
    )


def test_a_run_that_has_not_ended_is_told(tune, played, tmp_path):
    other = changed(played, tmp_path / "other")
    record = json.loads((other / "field.json").read_text())
    (other / "field.json").unlink()
    partial = {**record, "run": {**record["run"], "ended": ""}}
    (other / "field.partial.json").write_text(dump_with_checksum(partial))
    limits = ("--false-accepts", "5000/h", "--other-words", "100%", "--output", tmp_path / "out")
    status, printed, error = tune(other / "field.partial.json", *limits)
    assert status == EXIT_CLEAN and " of 2 " in printed
    assert f"the run has not ended; its complete segments are used ({other})" in error


def edited_plan(run: Path) -> None:
    plan = json.loads((run / "plan.json").read_text())
    plan["segments"][0]["words"][0]["word"] = "no"
    (run / "plan.json").write_text(json.dumps(plan))


def edited_labels(run: Path) -> None:
    text = (run / "field.json").read_text()
    (run / "field.json").write_text(text.replace('"yes"', '"stop"', 1))


def empty(pattern: str) -> Callable[[Path], None]:
    def damage(run: Path) -> None:
        next(run.glob(pattern)).write_bytes(b"")

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edited_plan, "the plan was changed after it was written ("),
        (edited_labels, "the field record was changed after it was written: its content does not match"),
        (empty("transcripts/*/segment-0001.json"), "segment-0001.json"),
        (empty("host/*/segment-0001.npz"), "the host's scores are damaged ("),
    ],
    ids=["plan", "record", "facts", "host"],
)
def test_a_run_whose_files_were_changed_is_refused(tune, played, tmp_path, damage, message):
    damage(shutil.copytree(played, tmp_path / "other"))
    status, _, error = tune(tmp_path / "other")
    assert status == EXIT_USAGE and message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--false-accepts", "often"], "often is not a rate such as 1/h or 3/24h"),
        (["--false-accepts", "1/00h"], "1/00h is not a rate such as 1/h or 3/24h"),
        (["--other-words", "120%"], "120% is not a percentage such as 15%"),
        (["--other-words", "0.15"], "0.15 is not a percentage such as 15%"),
        (["--false-accepts", "1"], "1 is not a rate such as 1/h or 3/24h"),
        (["--other-words", "few"], "few is not a percentage such as 15%"),
    ],
)
def test_limits_that_are_none_are_refused(tune, options, message, capsys):
    with pytest.raises(SystemExit):
        tune(*options)
    assert message in capsys.readouterr().err


def test_the_sound_of_a_killed_live_session_is_named(tune, played, tmp_path):
    killed = changed(played, tmp_path / "killed")
    (killed / "plan.json").unlink()
    (killed / "live.wav").touch()
    status, _, error = tune(killed)
    assert status == EXIT_USAGE and error.count("\n") == 1
    assert f"Its sound is in live.wav: play it with `earshot field --keyword-free {killed}`" in error


def test_a_folder_without_a_run_is_refused(tune, tmp_path):
    status, _, error = tune(tmp_path)
    assert status == EXIT_USAGE and "earshot field" in error and error.count("\n") == 1
    assert f"this is no folder of a field run ({tmp_path})" in error
