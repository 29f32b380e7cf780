from __future__ import annotations

import pytest
from made_runs import FLASH, INFERENCE, write_night

from harness import cli
from harness.regression.baseline import read_baseline


@pytest.fixture
def nights(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    return tmp_path / "nights"


@pytest.fixture
def baseline(nights, tmp_path, capsys):
    """Call the command; the baseline is in `read`, the output in `out` and `err`."""

    class Call:
        path = tmp_path / "baselines" / "emulated.toml"

        def __call__(self, verb, *options):
            given = ["--board", "emulated", "--baselines", str(self.path.parent), *map(str, options)]
            if verb == "accept":
                given += ["--history", str(nights)]
                given += [] if "--reason" in options else ["--reason", "as it is"]
            self.code = cli.main(["baseline", verb, *given])
            self.out, self.err = capsys.readouterr()
            return self.code

        @property
        def epoch(self):
            return read_baseline(self.path).epoch

    return Call()


def test_the_last_night_of_the_board_is_accepted_with_its_reason(nights, baseline):
    for number in (0, 1):
        write_night(nights, number, inference_us=11_000 + number)
    write_night(nights, 2, board="desk")
    assert baseline("accept", "--reason", "a check that was missing") == 0
    accepted = baseline.epoch.accepted[0]
    assert baseline.epoch.exact[str(INFERENCE)] == 11_001
    assert (accepted.night, accepted.reason) == ("11-night", "a check that was missing")


def test_named_series_are_accepted_and_the_changed_lines_printed(nights, baseline):
    write_night(nights, 0)
    baseline("accept")
    write_night(nights, 1, inference_us=11_100, flash_bytes=36_004)
    assert baseline("accept", "--series", INFERENCE) == 0
    assert baseline.epoch.exact[str(FLASH)] == 36_000
    lines = baseline.out.splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed[-2:] == [f'-"{INFERENCE}" = 11000.0', f'+"{INFERENCE}" = 11100.0']
    assert not any(str(FLASH) in line for line in changed)
    assert '+reason = "as it is"' in lines and f"commit {baseline.path}" in baseline.err


@pytest.mark.parametrize("name", ["00", "folder", "record"])
def test_a_night_is_named_by_id_folder_or_record(nights, baseline, tmp_path, name):
    folder = write_night(nights if name == "00" else tmp_path / "elsewhere", 0, inference_us=10_000)
    write_night(nights, 1)
    names = {"folder": folder, "record": folder / "run.json"}
    assert baseline("accept", "--night", names.get(name, name)) == 0
    assert baseline.epoch.exact[str(INFERENCE)] == 10_000


@pytest.mark.parametrize(
    ("options", "changes", "message"),
    [
        (["--night", "77"], {}, "there is no night '77' of emulated"),
        (["--night", "0"], {}, "00-night, 0-other"),
        (["--series", "flash"], {}, "'flash' is not a series"),
        ([], {"board": "desk"}, "there is no night of emulated"),
    ],
)
def test_an_unacceptable_night_is_refused_and_nothing_is_written(nights, baseline, options, changes, message):
    write_night(nights, 0, **changes)
    write_night(nights, 1, identity="0-other", **changes)
    assert baseline("accept", *options) == 2
    assert message in baseline.err
    assert not baseline.path.exists()


def test_show_prints_values_and_reasons(nights, baseline):
    write_night(nights, 0)
    baseline("accept", "--reason", "the first")
    assert baseline("show") == 0
    assert f"{INFERENCE}  11,000 µs" in baseline.out
    assert "all of commit 0000000000: the first" in baseline.out
    baseline.path.unlink()
    assert baseline("show") == 2
