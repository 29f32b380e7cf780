"""`earshot nightly` on the path of a real board, and without one."""

from __future__ import annotations

import csv
import json
import os

import pytest
from rehearsal.bench import rehearsal_bench
from s3_server import running, use

from harness.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trained")]


def nightly(bench, *arguments: str):
    places = ["--output", str(bench.nights), "--baselines", str(bench.folder / "baselines")]
    what = ["--bench", str(bench.file), "--board", "desk", "--variants", "tinyconv-int8"]
    answer = bench.earshot_here("nightly", *what, *places, "--rounds", "2", "--samples", "10", *arguments)
    folder = max(bench.nights.glob("*/*Z-*"), key=lambda found: found.name)
    return answer, json.loads((folder / "run.json").read_text()), folder


def test_night_and_the_same_images_again(quiet_bench):
    bench = quiet_bench
    answer, record, folder = nightly(bench)
    assert answer.returncode == 0, answer.stderr
    assert [(block["phase"], block["round"]) for block in record["blocks"]] == [
        ("canary-first", 0),
        ("round", 1),
        ("round", 2),
        ("canary-last", 0),
    ]
    assert not any(block["fault"] for block in record["blocks"])
    stages = {f"{stage}_us/room" for stage in ("preprocess", "inference", "postprocess")}
    assert set(record["blocks"][1]["samples_us"]) == {"inference_us/clip", *stages}
    assert all(len(samples) == 10 for samples in record["blocks"][1]["samples_us"].values())
    assert (record["run"]["board"], record["board"]["uid"]) == ("desk", bench.serial_number)
    uploads = sum(call[0] == "upload" for call in bench.calls())
    assert uploads == 1 + 4  # the session, and each block
    assert (folder / "junit.xml").exists() and (folder / "summary.md").exists()

    answer, again, _ = nightly(bench, "--a-a")
    assert answer.returncode == 0, answer.stderr
    assert again["run"]["kind"] == "a-a"
    assert sum(call[0] == "upload" for call in bench.calls()) == uploads + 4
    assert ": build" not in answer.stderr
    images = [{block["image_sha256"] for block in night["blocks"]} for night in (record, again)]
    assert images[0] == images[1]


def test_two_benches_publish_to_one_history(quiet_bench, monkeypatch, capsys):
    """The second board has slower flash: another specimen of the same kind, with the same name."""
    with running() as server, rehearsal_bench(wait_states=3) as other:
        url = f"{use(server, monkeypatch).url}/nights"
        for bench, name in ((quiet_bench, "berlin"), (other, "munich")):
            bench.file.write_text(f'name = "{name}"\n{bench.file.read_text()}')
            bench.environment |= {key: text for key, text in os.environ.items() if key.startswith("AWS_")}
            answer, record, folder = nightly(bench, "--publish", url, "--rounds", "1")
            assert answer.returncode == 0, answer.stderr
            assert record["run"]["bench"] == name
            there = server.content(f"earshot/nights/{folder.parent.name}/{folder.name}/run.json")
            assert there == (folder / "run.json").read_bytes()
        site = quiet_bench.folder / "site"
        assert main(["history", url, "--output", str(site), "--baselines", str(site)]) == 0
    text = (site / "index.html").read_text()
    assert "desk of berlin" in text and "desk of munich" in text
    rows = {row["series"]: row for row in csv.DictReader((site / "specimens.csv").open())}
    inference = rows["tinyconv-int8/codegen/inference_us/clip"]
    assert 0 < float(inference["change"]) < 0.5
    assert inference["pairs"] == "1"


def test_night_without_a_board_is_red_and_recorded(quiet_bench):
    bench = quiet_bench
    bench.pull_out()
    answer, record, folder = nightly(bench)
    assert answer.returncode == 4, answer.stderr
    assert "Traceback" not in answer.stderr
    assert record["fault"]["failure"] == "enumerate"
    assert record["verdict"]["status"] == "broken"
    assert record["fault"]["message"].split(":")[0] in (folder / "summary.md").read_text()
