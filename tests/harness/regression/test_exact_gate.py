"""Measure copies of this checkout: a rebuild changes nothing, one more instruction is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkouts import LABELS, Checkout, tinyconv_file

from harness.records.reading import read_record
from harness.records.verdict import SeriesName
from harness.regression.compare import compare
from harness.regression.from_record import night_of
from harness.regression.nights import Night
from harness.runs.bisection import bisect
from harness.runs.measure_commit import options_of
from harness.runs.selection import Selection

pytestmark = pytest.mark.slow

ON_CLIP = SeriesName("tiny", "codegen", "inference_us", "clip")
IMAGE = SeriesName("tiny", "codegen", "image_sha256", "-")
LISTENING = {
    SeriesName("tiny", "codegen", f"{stage}_us", "pcm")
    for stage in ("preprocess", "inference", "postprocess")
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tinyconv_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def base(model, tmp_path_factory) -> tuple[Checkout, Night, Path]:
    """A copy of this checkout, its measurement and its store."""
    folder = tmp_path_factory.mktemp("base")
    checkout = Checkout(folder / "checkout")
    return checkout, one_block(checkout, model, folder / "home"), folder / "home"


def one_block(checkout: Checkout, model: Path, home: Path) -> Night:
    """Measure a checkout with a store of its own."""
    record = home / "run.json"
    options = ("--model", model, "--labels", LABELS, "--output", record)
    done = checkout.run("harness.runs.measure_commit", *options, home=home)
    assert done.returncode == 0, done.stderr
    return night_of(read_record(record))


def test_a_rebuild_in_another_folder_has_the_same_image_and_cycles(base, model, tmp_path):
    first, night, _ = base
    there = first.cloned_to(tmp_path / "elsewhere" / "and deeper")
    again = one_block(there, model, tmp_path / "another home")
    assert again.commit == night.commit and not again.dirty
    assert IMAGE in night.exact
    comparison = compare(night, again)
    assert (comparison.differences, comparison.exit_code) == ((), 0)


def test_one_more_instruction_changes_times_only_and_bisect_finds_it(base, model, tmp_path, monkeypatch):
    first, night, home = base
    checkout = first.cloned_to(tmp_path / "checkout")
    culprit = checkout.add_an_instruction()
    comparison = compare(night, one_block(checkout, model, home))
    by = {item.name: item.by for item in comparison.differences}
    assert comparison.exit_code == 3
    assert comparison.differences[0].name.metric == "inference_us"
    # 25 x 20 pixels, 2 groups of channels, 10 rows of the filter: 10,000 more cycles at 64 MHz
    assert by[ON_CLIP] == pytest.approx(156.25, abs=0.5)
    assert by.keys() <= {ON_CLIP, *LISTENING}

    monkeypatch.setenv("EARSHOT_HOME", str(home))
    bad = checkout.commit("A remark that changes nothing")
    options = options_of(Selection("tiny", None, model, tuple(LABELS.split(","))), "codegen")
    found = bisect(night.commit, bad, ON_CLIP, options, checkout.folder)
    assert [culprit.startswith(line.split()[0]) for line in found] == [True]
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.git("rev-parse", "HEAD").strip() == bad
