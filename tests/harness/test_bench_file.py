"""The bench file: the example, defaults, and refusals with line and key."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from harness import bench_file
from harness.bench_file import (
    VARIABLE,
    Bench,
    BoardEntry,
    MeterTable,
    SpeakerEntry,
    Thresholds,
    find_bench,
    read_bench,
    recognizer_tables,
    write_recognizers,
)
from harness.recognizer import DEFAULT, Recognizer
from models import progress
from models.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bench.example.toml"


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        file = tmp_path / "bench.toml"
        file.write_text(text)
        return file

    return write


def test_the_example_is_a_bench():
    bench = read_bench(EXAMPLE)
    (board,) = bench.boards
    assert (board.name, board.kind, board.core) == ("desk", "nano33ble", "arduino:mbed_nano@4.6.0")
    assert board.libraries == ("Chirale_TensorFlowLite@2.0.0",)
    assert bench.speaker is not None and bench.speaker.distance_m == 1.0
    assert bench.recordings is None


def test_the_example_names_every_key():
    text = EXAMPLE.read_text()
    keys = {
        field.name
        for kind in (BoardEntry, MeterTable, Recognizer, SpeakerEntry, Thresholds)
        for field in dataclasses.fields(kind)
    }
    keys.remove("name")  # stands in the table's head
    assert [key for key in keys | {"recordings"} if not re.search(rf"^(# )?{key} = ", text, re.M)] == []


def test_the_example_states_the_defaults():
    bench = read_bench(EXAMPLE)
    defaults = SpeakerEntry("USB Audio")
    assert bench.thresholds == Thresholds()
    assert bench.recognizer == {"tinyconv-int8": Recognizer()}
    for key in ("level_dbfs", "silence_s", "latency"):
        assert getattr(bench.speaker, key) == getattr(defaults, key)
    assert bench.boards[0].icache == BoardEntry("desk", kind="nano33ble").icache


def test_an_empty_file_is_an_empty_bench(written):
    file = written("")
    assert read_bench(file) == Bench(file)


def test_the_board_takes_the_name_of_its_table(written):
    bench = read_bench(written('[board.left]\nkind = "a"\n[board.right]\nkind = "b"'))
    assert [(board.name, board.kind) for board in bench.boards] == [("left", "a"), ("right", "b")]


def test_recognizers_are_written_beside_what_the_file_has(written):
    old = (
        'recordings = "words" # mine\n\n[recognizer.kws]\nwindow_ms = 300 # old\n\n[speaker]\ndevice = "a"\n'
    )
    file = written(old)
    tuned = {
        "kws": Recognizer("exponential", 240, thresholds={"yes": 215}),
        "kws.2": Recognizer(window_ms=400),
    }
    assert write_recognizers(tuned, file) == file
    bench = read_bench(file)
    assert bench.recognizer == tuned
    assert bench.recordings is not None and bench.speaker == SpeakerEntry("a")
    assert "# mine" in file.read_text() and "# old" not in file.read_text()
    write_recognizers({"third": DEFAULT}, file)
    assert read_bench(file).recognizer == tuned | {"third": DEFAULT}


def test_recognizers_make_a_bench_file_and_are_not_written_into_a_wrong_one(tmp_path, written):
    tuned = {"kws": Recognizer(window_ms=300, thresholds={"“ja”": 1})}
    new = write_recognizers(tuned, tmp_path / "new.toml")
    assert read_bench(new).recognizer == tuned
    assert new.read_text() == recognizer_tables(tuned)
    wrong = written("[bord.desk]")
    with pytest.raises(ConfigError, match="line 1, bord"):
        write_recognizers(tuned, wrong)
    assert wrong.read_text() == "[bord.desk]"


@pytest.mark.parametrize("recognizer", ["recognizer.kws.window_ms = 300", "recognizer.other.threshold = 9"])
def test_recognizers_are_not_written_into_dotted_keys(written, recognizer):
    """The key behind them would become one of the last recognizer's thresholds."""
    file = written(old := f'{recognizer}\nname = "desk"\n')
    with pytest.raises(ConfigError, match=r"cannot be added to dotted keys.*\[recognizer.NAME\], at its end"):
        write_recognizers({"kws": Recognizer(thresholds={"yes": 1})}, file)
    assert file.read_text() == old


def test_recognizers_keep_line_ends_links_and_permissions_of_the_file(tmp_path):
    file, link = tmp_path / "desk.toml", tmp_path / "bench.toml"
    file.write_bytes(b'name = "desk"\r\n# mine\r\n')
    file.chmod(0o640)
    link.symlink_to(file.name)
    write_recognizers({"kws": DEFAULT}, link)
    assert link.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    lines = file.read_bytes().split(b"\n")
    assert lines[1] == b"# mine\r" and {line[-1:] for line in lines[:-1]} == {b"\r"}
    assert read_bench(link).recognizer == {"kws": DEFAULT}


@pytest.mark.skipif(os.getuid() == 0, reason="root may write every file")
def test_a_write_protected_bench_file_stays(written):
    file = written("")
    file.chmod(0o444)
    with pytest.raises(ConfigError, match="write-protected"):
        write_recognizers({"kws": DEFAULT}, file)


def test_a_model_without_a_recognizer_has_the_default(written):
    bench = read_bench(written("[recognizer.kws]\nwindow_ms = 300\nthresholds = { yes = 215 }"))
    assert bench.recognizer_of("kws") == Recognizer(window_ms=300, thresholds={"yes": 215})
    assert bench.recognizer_of("other") == DEFAULT


def test_recordings_are_relative_to_the_bench_file(written):
    file = written('recordings = "../words"')
    assert read_bench(file).recordings == file.parent / "../words"


@pytest.mark.parametrize(
    ("text", "place", "helps"),
    [
        ("[board.desk]", "line 1, board.desk.kind", "Give it as a text."),
        ('[board.desk]\nkind = "a"\nserial = "1"', "line 3, board.desk.serial", "serial_number"),
        ('[board.desk]\nkind = "a"\ncore = "mbed"', "line 3, board.desk.core", "architecture@version"),
        ('[board.desk]\nkind = "a"\nlibraries = ["TF"]', "line 3, board.desk.libraries[0]", "name@version"),
        ('[board.desk]\nkind = "a"\nicache = "yes"', "line 3, board.desk.icache", '"on" or "off" or "as-is"'),
        ("[recognizer.kws]\nwindow_ms = 10", "line 2, recognizer.kws.window_ms", "at least 20, at most 2000"),
        (
            "[recognizer.kws.thresholds]\nyes = 256",
            "line 2, recognizer.kws.thresholds.yes",
            "at least 0, at most 255",
        ),
        (
            '[recognizer.kws]\nsmoothing = "mean"\nwindow_ms = 100\nfewest_results = 8',
            "line 1, recognizer.kws",
            "Correct it.",
        ),
        (
            '[board.desk]\nkind = "a"\nrecover = "cycle {port}"',
            "line 3, board.desk.recover",
            "Allowed: {serial_number}.",
        ),
        ('[board.desk]\nkind = "a"\nusb_location = "usb1"', "line 3, board.desk.usb_location", "1-1.4"),
        ('[board.desk]\nkind = "a"\nwait_s = -1', "line 3, board.desk.wait_s", "at least 0"),
        (
            '[board.desk]\nkind = "a"\nupload_command = "scp {hax} pi:"',
            "line 3, board.desk.upload_command",
            "{image}, {hex}, {bin}",
        ),
        ('[board]\nkind = "a"', "line 2, board.kind", "[board.kind]"),
        ("[speaker]\nlevel_dbfs = -20", "line 1, speaker.device", "Give it as"),
        ('[speaker]\ndevice = " "', "line 2, speaker.device", "name"),
        ('[speaker]\ndevice = "a"\nlevel_dbfs = 3', "line 3, speaker.level_dbfs", "at least -80, at most 0"),
        ('[speaker]\ndevice = "a"\ndistance_m = 0', "line 3, speaker.distance_m", "above 0"),
        ('[speaker]\ndevice = "a"\nlatency = "mid"', "line 3, speaker.latency", '"low" or "high"'),
        ('[board.desk]\nkind = "a"\nname = "b"', "line 3, board.desk.name", "kind, serial_number"),
        ("[thresholds]\nchirp_snr_db = -1", "line 2, thresholds.chirp_snr_db", "at least 0, at most 80"),
        ("[thresholds]\nchirp_min_dbfs = -1", "line 2, thresholds.chirp_min_dbfs", "below -1.0"),
        ("[thresholds]\ndetection_window_s = 0", "line 2, thresholds.detection_window_s", "above 0"),
        ('[bord.desk]\nkind = "a"', "line 1, bord", "board"),
    ],
)
def test_a_refusal_names_line_key_and_allowed_values(written, text, place, helps):
    with pytest.raises(ConfigError) as raised:
        read_bench(written(text))
    assert raised.value.where.endswith(f"bench.toml, {place}")
    assert helps in raised.value.remedy


def test_two_boards_of_one_serial_number_are_refused(written):
    text = '[board.a]\nkind = "x"\nserial_number = "7"\n[board.b]\nkind = "x"\nserial_number = "7"'
    with pytest.raises(ConfigError, match=r"line 6, board\.b\.serial_number"):
        read_bench(written(text))


def test_a_named_bench_file_must_exist(tmp_path):
    with pytest.raises(ConfigError, match=r"other\.toml"):
        find_bench(tmp_path / "other.toml")


def test_the_variable_names_the_bench_file(written, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(written('[board.left]\nkind = "a"')))
    assert [board.name for board in find_bench().boards] == ["left"]


def test_an_argument_takes_precedence_over_the_variable(written, monkeypatch):
    monkeypatch.setenv(VARIABLE, "elsewhere.toml")
    assert find_bench(written("")).boards == ()


def test_the_checkouts_bench_file_is_the_default(written, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    file = written('[board.left]\nkind = "a"')
    monkeypatch.setattr(bench_file, "ROOT", file.parent)
    assert find_bench().path == file


def test_without_a_bench_file_the_bench_is_empty(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(bench_file, "ROOT", tmp_path)
    assert find_bench() == Bench()


@pytest.mark.parametrize(
    ("named", "told"), [("tinyconv-int", 1), ("tinyconv-int8", 0), ("tinyconv-float32", 0), ("my_words", 0)]
)
def test_a_recognizer_with_a_misspelled_name_is_told(named, told):
    tuned = Recognizer(window_ms=300)
    bench = Bench(Path("bench.toml"), recognizer={named: tuned})
    lines = []
    with progress.sent_to(lambda report: lines.append(report.text)):
        assert bench.recognizer_of("tinyconv-int8") == (tuned if named == "tinyconv-int8" else DEFAULT)
    assert lines == told * [
        "tinyconv-int8 uses the default recognizer: bench.toml has no [recognizer.tinyconv-int8], but "
        "[recognizer.tinyconv-int], which is no variant. Rename the table if it is for tinyconv-int8."
    ]
