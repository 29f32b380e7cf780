"""Nights of many folders: each once, in order, and whatever is none of them left out with a sentence."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from benchmarks.made_history import write_nights
from filelock import FileLock

from harness.history import extract
from harness.history.folders import read_nights
from harness.records.checksum import sealed_text
from harness.records.reading import read_record
from harness.records.record import Fault, write_record
from harness.regression.from_record import night_of

NO_PORT = Fault("upload", "upload: no port.")
SCHEMA_1 = Path(__file__).parents[1] / "records" / "records" / "schema-1.json"


class Bench:
    """Folders of nights, and the index of them.

    Args:
        folder: of everything.
    """

    def __init__(self, folder: Path) -> None:
        self.nights, self.index = folder / "nights", folder / "history.sqlite"
        self.files = write_nights(self.nights, nights=3, series=3, samples=9)
        self.said: list[str] = []

    def read(self, *folders: Path, **options):
        """The history of the folders, and of nothing but them."""
        return read_nights(folders or [self.nights], self.said.append, index=self.index, **options)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_nights_are_those_of_their_records(bench):
    of_records = [night_of(read_record(path)) for path in bench.files]
    assert sorted(bench.read().nights, key=lambda night: night.id) == sorted(
        of_records, key=lambda night: night.id
    )


def test_they_come_in_order_of_time(bench):
    started = [night.started for night in bench.read().nights]
    assert started == sorted(started)


def test_what_few_nights_have_survives_the_index(bench):
    made = read_record(bench.files[0])
    again = [replace(block, phase="confirmation") for block in made.blocks if block.phase == "round"]
    broken = replace(made.variants[0], id="broken", faults=[NO_PORT])
    made = replace(
        made,
        blocks=[*made.blocks[:-1], *again],  # without the canary's last
        variants=[*made.variants, broken],
        fault=NO_PORT,
    )
    write_record(made, bench.files[0])
    (night,) = bench.read(bench.files[0]).nights
    assert night == night_of(read_record(bench.files[0]))
    assert night.confirmations and night.faults and night.fault and not night.canary.last


def test_a_record_tells_its_file_kind_and_verdict(bench):
    history = bench.read()
    record = history.records[history.nights[0].id]
    assert record.path in bench.files
    assert (record.kind, record.status, record.exit_code) == ("nightly", "ok", 0)
    assert record.sentence.startswith("Nothing changed")


@pytest.mark.parametrize("board", ["nano33ble", "made-up-nano33ble"])
def test_nights_of_one_board_by_its_name_or_identity(bench, board):
    assert {night.board for night in bench.read(boards=[board]).nights} == {"nano33ble"}


def test_a_second_time_nothing_is_read_again(bench, monkeypatch):
    first = bench.read()
    monkeypatch.setattr(extract, "read_record", lambda path: pytest.fail(f"{path} was read again"))
    assert bench.read() == first


def test_a_new_record_is_read(bench):
    bench.read()
    write_nights(bench.nights, nights=1, boards=["another"], series=3, samples=9)
    assert len(bench.read().nights) == 7


def test_a_record_that_was_replaced_is_read_again(bench):
    bench.read()
    made = read_record(bench.files[0])
    write_record(replace(made, environment={}, code={**made.code, "commit": "another"}), bench.files[0])
    assert bench.read(bench.files[0]).nights[0].commit == "another"


def test_a_record_that_is_gone_is_forgotten(bench):
    bench.read()
    shutil.rmtree(bench.files[0].parent)
    assert len(bench.read().nights) == 5
    with sqlite3.connect(bench.index) as connection:
        assert connection.execute("SELECT count(*) FROM nights").fetchone() == (5,)


def test_nights_of_another_folder_stay_in_the_index_and_out_of_the_history(bench, monkeypatch):
    bench.read()
    assert len(bench.read(bench.nights / "emulated").nights) == 3
    monkeypatch.setattr(extract, "read_record", lambda path: pytest.fail(f"{path} was read again"))
    assert len(bench.read().nights) == 6


def test_copies_in_two_folders_are_one_night(bench, tmp_path):
    shutil.copytree(bench.nights, tmp_path / "copied")
    history = bench.read(bench.nights, tmp_path / "copied")
    assert (len(history.nights), history.conflicts, history.refused) == (6, (), ())
    assert {record.path for record in history.records.values()} == {*bench.files}


def test_one_id_with_two_contents_is_told_and_neither_counts(bench, tmp_path):
    made = read_record(bench.files[0])
    other = tmp_path / "other" / "run.json"
    write_record(replace(made, environment={"host": "another"}), other)
    history = bench.read(bench.nights, other.parent)
    (conflict,) = history.conflicts
    assert (conflict.id, conflict.paths) == (made.run["id"], (bench.files[0], other))
    assert made.run["id"] not in {night.id for night in history.nights}
    assert conflict.sentence in bench.said


def test_a_run_is_no_night_of_a_history(bench):
    made = read_record(bench.files[0])
    write_record(replace(made, run={**made.run, "kind": "run"}), bench.files[0])
    history = bench.read(bench.files[0])
    assert (history.nights, history.runs, history.refused) == ((), 1, ())


def test_a_record_of_schema_1_is_a_run(bench):
    assert bench.read(SCHEMA_1).runs == 1


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[: len(text) // 2], "is not whole JSON"),
        (lambda text: text.replace("0.99609375", "0.89609375"), "was changed after it was written"),
        (lambda text: '{"coverage": 3}', "is not a night record"),
        (lambda text: text.replace('"schema": 2', '"schema": 3'), "reads up to 2"),
        (lambda text: "", "is not whole JSON"),
    ],
)
def test_a_file_that_is_no_record_is_told_and_left_out(bench, damage, told):
    path = bench.files[0]
    path.write_text(damage(path.read_text()))
    history = bench.read()
    (refused,) = history.refused
    assert (refused.path, len(history.nights)) == (path, 5)
    assert told in refused.sentence
    assert refused.sentence in bench.said


def test_what_was_refused_is_told_every_time(bench):
    bench.files[0].write_text("{}")
    assert bench.read().refused == bench.read().refused != ()


def test_a_clock_that_jumped_is_told(bench):
    made = read_record(bench.files[0])
    write_record(replace(made, run={**made.run, "length_s": "10.0"}), bench.files[0])
    history = bench.read()
    (refused,) = history.refused
    assert "the host's clock jumped by +2,990 s" in refused.sentence
    assert len(history.nights) == len(history.records) == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["variants"][0]["model"].update(tflite_bytes=2**70),
        lambda data: data["board"].update(uid="\ud800"),
        lambda data: data["blocks"][1]["samples_us"].update({"inference_us/clip": [10**400] * 3}),
        lambda data: data["code"].update(procedure_version=2**70),
    ],
)
def test_a_figure_or_text_that_nothing_holds_spoils_only_its_night(bench, change):
    data = asdict(read_record(bench.files[0]))
    change(data)
    bench.files[0].write_text(sealed_text(data))
    history = bench.read()
    assert len(history.nights) + len(history.refused) == 6
    assert bench.read() == history


def test_a_folder_that_is_not_there(bench, tmp_path):
    history = bench.read(bench.nights, tmp_path / "nowhere")
    assert len(history.nights) == 6
    assert "nowhere cannot be read (No such file or directory)" in history.refused[0].sentence


def test_a_folder_without_records(bench, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "there is no run.json" in bench.read(tmp_path / "empty").refused[0].sentence


def test_a_link_that_leads_nowhere(bench):
    bench.files[0].unlink()
    bench.files[0].symlink_to("nowhere")
    assert "cannot be read" in bench.read().refused[0].sentence


def test_nothing_is_looked_for_beneath_a_record(bench):
    shutil.copytree(bench.files[0].parent, bench.files[0].parent / "sessions" / "copied")
    bench.files[0].write_text("{}")
    assert len(bench.read().nights) == 5


def test_a_run_that_has_not_ended_is_no_record(bench):
    bench.files[0].rename(bench.files[0].with_name("run.partial.json"))
    history = bench.read()
    assert (len(history.nights), history.refused) == (5, ())


@pytest.mark.parametrize("damage", ["truncate", "zero", "text", "empty", "table", "rows", "other code"])
def test_an_index_in_doubt_is_made_again(bench, damage):
    first = bench.read()
    content = bench.index.read_bytes()
    if damage == "truncate":
        bench.index.write_bytes(content[: len(content) // 2])
    elif damage == "zero":
        bench.index.write_bytes(content[:4096] + bytes(len(content) - 4096))
    elif damage in ("text", "empty"):
        bench.index.write_text("no database" if damage == "text" else "")
    else:
        statement = {
            "table": "DROP TABLE times",
            "rows": "DELETE FROM times WHERE night = 2",
            "other code": "UPDATE made_by SET code = 'older'; UPDATE nights SET board = 'as then';",
        }[damage]
        with sqlite3.connect(bench.index) as connection:
            connection.executescript(statement)
        connection.close()
    assert bench.read() == first


def test_an_index_is_made_from_nothing_when_asked(bench):
    bench.read()
    with sqlite3.connect(bench.index) as connection:
        connection.execute("UPDATE nights SET board = 'somebody else'")
    connection.close()
    assert {night.board for night in bench.read(rebuild=True).nights} == {"emulated", "nano33ble"}


def test_an_index_that_cannot_be_kept_is_said_and_not_needed(bench):
    bench.index.mkdir()
    assert len(bench.read().nights) == 6
    assert any("cannot be kept" in line for line in bench.said)


def test_another_process_at_the_index_is_waited_for(bench):
    held = FileLock(f"{bench.index}.lock")
    with held:
        reading = subprocess.Popen(
            [sys.executable, "-c", _READ, bench.nights, bench.index], stdout=subprocess.PIPE, text=True
        )
        assert "waiting for another process" in reading.stdout.readline()
    assert reading.communicate()[0] == "6\n"


_READ = """
import sys
from pathlib import Path
from harness.history.folders import read_nights
say = lambda line: print(line, flush=True)
print(len(read_nights([Path(sys.argv[1])], say, index=Path(sys.argv[2])).nights))
"""


def test_an_index_that_is_killed_in_the_making_is_made_by_the_next(bench):
    """The first process is killed while it writes."""
    code = _READ.replace("import sys", "import sys, os, signal").replace(
        "say =",
        "from harness.history import tables\n"
        "write = tables.Writer._write\n"
        "def killed(self, extract):\n"
        "    write(self, extract)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "tables.Writer._write = killed\n"
        "say =",
    )
    done = subprocess.run([sys.executable, "-c", code, bench.nights, bench.index], check=False)
    assert done.returncode < 0
    assert len(bench.read().nights) == 6
