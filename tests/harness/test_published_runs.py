"""Runs by URL: read, published and rendered on a real S3 server, and no failure loses a run."""

from __future__ import annotations

import os

import pytest
from benchmarks.made_history import write_nights
from reported import problems
from s3_server import FAULTS, SLOW_DOWN, running, use

from harness import layout
from harness.cli import main
from harness.published_runs import fetched, fetched_or_older, publish, publish_night


@pytest.fixture(scope="module")
def server():
    with running() as found:
        yield found


@pytest.fixture
def s3(server, monkeypatch, tmp_path):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(layout, "NIGHTS", tmp_path / "default")
    return use(server, monkeypatch)


@pytest.fixture
def nights(tmp_path):
    """Folders of three finished runs of one board."""
    return [path.parent for path in write_nights(tmp_path / "nights", 3, ["emulated"], series=3, samples=9)]


@pytest.fixture
def url(s3, nights) -> str:
    """A folder of runs with the three nights."""
    for night in nights:
        publish(night, f"{s3.url}/nights/emulated/{night.name}")
    s3.requests.clear()
    return f"{s3.url}/nights"


@pytest.fixture
def lines():
    """The problems that a command shows."""
    with problems() as found:
        yield found


def reads(s3) -> int:
    """Count the files that were read since the last call."""
    found = sum(request.startswith("GET") and request.endswith("run.json") for request in s3.requests)
    s3.requests.clear()
    return found


def history(tmp_path, url: str) -> str:
    site = ["--output", str(tmp_path / "site"), "--baselines", str(tmp_path / "baselines")]
    assert main(["history", url, *site]) == 0
    return (tmp_path / "site" / "index.html").read_text()


def test_history_fetches_each_record_once(tmp_path, s3, url, nights):
    assert "3 nights since" in history(tmp_path, url)
    assert reads(s3) == 3
    assert "3 nights since" in history(tmp_path, url)
    assert reads(s3) == 0
    publish(nights[1], f"{url}/emulated/00001")
    s3.put("earshot/nights/emulated/00001/run.json", (nights[1] / "run.json").read_bytes()[:500])
    assert "2 nights since" in history(tmp_path, url)
    assert reads(s3) == 1


def test_a_night_that_was_removed_there_leaves_the_history(tmp_path, s3, url):
    history(tmp_path, url)
    s3.client.delete_object(Bucket="benches", Key="earshot/nights/emulated/00002/run.json")
    assert "2 nights since" in history(tmp_path, url)


@pytest.mark.parametrize("head", ["/emulated/00002", "/emulated/00002/run.json", ""])
def test_compare_reads_what_a_folder_has(s3, url, nights, capsys, head):
    code = main(["compare", str(nights[0]), str(nights[2])])
    here = capsys.readouterr().out
    assert main(["compare", f"{url}/emulated/00000", url + head]) == code
    assert capsys.readouterr().out == here


def test_report_writes_the_pages_beside_the_record(s3, url, capsys):
    before = s3.content("earshot/nights/emulated/00000/run.json")
    assert main(["report", f"{url}/emulated/00000"]) == 0
    assert "earshot/nights/emulated/00000/report.html" in s3.names()
    assert s3.content("earshot/nights/emulated/00000/run.json") == before
    assert "PUT /benches/earshot/nights/emulated/00000/run.json" not in s3.requests


def test_report_of_a_folder_of_runs_fetches_nothing(s3, url, capsys):
    assert main(["report", url]) == 2
    assert "this is not the folder of a run" in capsys.readouterr().err
    assert reads(s3) == 0


@pytest.mark.parametrize("record", ["run.json", "field.json"])
def test_the_record_of_a_run_is_published_last(s3, nights, record):
    (nights[0] / "run.json").rename(nights[0] / record)
    (nights[0] / "z").mkdir()
    (nights[0] / "z" / "transcript.log").write_text("ok")
    publish(nights[0], f"{s3.url}/runs/first")
    written = [request.rpartition("/")[2] for request in s3.requests if request.startswith("PUT")]
    assert written == ["transcript.log", record]


def test_a_night_that_cannot_be_published_is_kept_and_published_with_the_next(s3, nights, lines):
    s3.fault = lambda method, path: SLOW_DOWN
    assert not publish_night(nights[0], f"{s3.url}/nights")
    assert len(lines) == 1 and lines[0].startswith("remote: the server is overloaded")
    assert str(nights[0]) in lines[0]
    s3.fault = lambda method, path: None
    assert publish_night(nights[1], f"{s3.url}/nights")
    there = fetched(f"{s3.url}/nights")
    assert [path.parent.name for path in sorted(there.rglob("run.json"))] == ["00000", "00001"]
    s3.requests.clear()
    assert publish_night(nights[2], f"{s3.url}/nights")
    assert len(s3.requests) == 1  # the two others are not published again


def test_a_night_is_published_to_a_folder_that_is_there(tmp_path, nights, lines):
    shared = tmp_path / "shared"
    assert not publish_night(nights[0], str(shared))
    assert "there is no such folder" in lines[0]
    shared.mkdir()
    assert publish_night(nights[1], str(shared))
    assert sorted(path.parent.name for path in shared.rglob("run.json")) == ["00000", "00001"]


def test_a_run_that_is_half_published_is_no_run(s3, nights, capsys):
    (nights[0] / "report.html").write_text("page")
    s3.fault = lambda method, path: SLOW_DOWN if path.endswith("run.json") else None
    assert not publish_night(nights[0], f"{s3.url}/nights")
    s3.fault = lambda method, path: None
    assert s3.names() == ["earshot/nights/emulated/00000/report.html"]
    assert main(["history", f"{s3.url}/nights"]) == 2
    assert "there are no runs" in capsys.readouterr().err


@pytest.mark.parametrize(("fault", "sentence"), FAULTS[:-1])
def test_a_url_that_cannot_be_read_is_one_line(s3, url, monkeypatch, capsys, fault, sentence):
    fault(s3, monkeypatch)
    assert main(["history", url]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"earshot: remote: {sentence} ({url}). ")


def test_a_night_is_judged_by_the_nights_of_the_last_time_if_the_url_fails(s3, url, lines):
    fetched(url)
    s3.fault = lambda method, path: SLOW_DOWN
    assert len([*fetched_or_older(url).rglob("run.json")]) == 3
    assert len(lines) == 1


def test_a_name_that_leads_out_of_the_copy_is_left_out(s3, url, nights):
    s3.put("earshot/nights/../../../../run.json", b"{}")
    assert len([*fetched(url).rglob("run.json")]) == 3
    assert not os.path.lexists(layout.store_root().parent / "run.json")
