"""The rehearsal bench: stand-in, board process, sound system, and `earshot` run on them as users run it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from board_locks import is_free
from cli_answers import CORE, CORE_VERSION
from pulse import DEVICE, SINK, NullSink
from rehearsal.real_cli import STAND_IN, find_real, serve_platform
from rehearsal.wire import Fault
from started import dies_with_its_parent, left_over, prefer

from harness.arduino_cli.cli import COMMAND_VARIABLE
from harness.bench_file import Optimization, read_bench
from harness.boards.nano33ble import Nano33Ble
from harness.boards.plugged.control import SOCKET, ask
from harness.errors import BoardNotFound, EarshotError
from harness.layout import RECORDINGS, ROOT

_TESTS = Path(__file__).resolve().parents[1]
_START_S = 300.0  # compiles the cycle model
LABELS = ("silence", "unknown", "yes", "no")
PATIENCE_S = 1.0
"""Of a board in a test; of the real board 20."""
ROOM_S, INVOCATIONS, CLIPS = 1.0, 50, 10
"""In this process: least length of listening to the room, least inferences there, and compared clips."""
MARK = "EARSHOT_REHEARSAL"
"""Environment variable by which the processes of a bench are found again."""


class RehearsalBench:
    """A bench with one board, `desk`, and, with a sound system, a speaker.

    Args:
        sink: the sound system; None for a bench without a speaker, in a quiet room.
        wait_states: of the board's flash; the emulated board has 2.

    Attributes:
        folder: everything of this bench: `state`, `bench.toml`, `nights`.
        serial_number: of the board.
        environment: of whoever uses the bench.
        file: the bench file.
    """

    def __init__(self, sink: NullSink | None = None, wait_states: int = 2) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="earshot-rehearsal-"))  # short: a socket's path is, too
        self.state = self.folder / "state"
        self.nights = self.folder / "nights"
        self.file = self.folder / "bench.toml"
        self.serial_number = secrets.token_hex(8).upper()
        (self.state / "faults").mkdir(parents=True)
        (self.state / "serial_number").write_text(self.serial_number)
        (self.state / "wait_states").write_text(str(wait_states))
        self._core_version = CORE_VERSION
        self.command = self._write_command()
        (self.state / "core_version").write_text(self._core_version)
        self.environment = {
            **os.environ,
            **(sink.environment if sink else {}),
            "PATH": f"{self.command.parent}{os.pathsep}{os.environ['PATH']}",
            COMMAND_VARIABLE: str(self.command),
            MARK: f"{self.folder}/user",
            "GIT_DIR": "/nowhere",  # a commit made during a test must not prevent resuming
        }
        self.has_speaker = sink is not None
        self._started: list[subprocess.Popen[str]] = []
        self.write_bench_file()
        if sink:
            prefer(sink.daemon.pid)
        self._board = self._start_board(f"{SINK}.monitor" if sink else "")

    def write_bench_file(
        self,
        board: Mapping[str, Any] | None = None,
        speaker: Mapping[str, Any] | None = None,
        thresholds: Mapping[str, Any] | None = None,
        meter: Mapping[str, Any] | None = None,
        words: Sequence[str] = ("yes/gene.wav",),
    ) -> None:
        """Write the bench file of a bench that works, with changed keys.

        Args:
            board, speaker, thresholds, meter: keys that replace or add to those of the tables.
            words: of the default recordings, to be played alone.
        """
        recordings = self.folder / "recordings"
        shutil.rmtree(recordings, ignore_errors=True)
        for word in words:
            (recordings / word).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(RECORDINGS / word, recordings / word)
        tables = {
            "board.desk": {
                "kind": "nano33ble",
                "serial_number": self.serial_number,
                "revision": "Sense",
                "core": f"{CORE}@{self._core_version}",
                "engine": "codegen",
                **(board or {}),
            }
        }
        if self.has_speaker or speaker:
            tables["speaker"] = {"device": DEVICE, "silence_s": 1.0, **(speaker or {})}
        if thresholds:
            tables["thresholds"] = dict(thresholds)
        if meter:
            tables["meter"] = dict(meter)
        text = f"recordings = {json.dumps(str(recordings))}\n"
        for name, table in tables.items():
            text += f"\n[{name}]\n" + "".join(
                f"{key} = {json.dumps(value)}\n" for key, value in table.items()
            )
        self.file.write_text(text)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `earshot` in a session of its own; it ends with the bench."""
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        prefer(process.pid)
        self._started.append(process)
        return process

    def earshot(
        self, *arguments: str, timeout: float = 1200, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `earshot` to its end."""
        process = self.start(*arguments, **environment)
        try:
            said, told = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, said, told)

    def run(self, *arguments: str, **options: Any) -> Run:
        """Run `earshot run` on this bench."""
        return Run(self.earshot(*self.run_arguments(*arguments), **options), self.nights)

    def run_here(self, *arguments: str) -> Run:
        """Like `run`, with `earshot_here`."""
        return Run(self.earshot_here(*self.run_arguments(*arguments)), self.nights)

    def earshot_here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `earshot` in this process, without the seconds of its imports and of the host's times.

        The board's outputs are compared for a few clips, and it listens to the room briefly.
        Only on a bench without a speaker: PortAudio looks for a sound system once per process.
        """
        from harness.cli import main
        from harness.measure import listener, session
        from harness.runs import run

        assert not self.has_speaker
        said, told = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(told),
        ):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(listener, "ROOM_S", ROOM_S)
            patch.setattr(listener, "INVOCATIONS", INVOCATIONS)
            patch.setattr(session, "CONFORMANCE_CLIPS", CLIPS)
            patch.setattr(run, "time_host", lambda *_: [])
            if self._board.poll() is not None:  # it does not come back
                patch.setattr(Nano33Ble, "from_bench", partial(Nano33Ble, patience_s=0.5))
            status = main(arguments)
        return subprocess.CompletedProcess("earshot", status, said.getvalue(), told.getvalue())

    def run_arguments(self, *arguments: str) -> list[str]:
        """Return the arguments of `earshot` that measure a variant on this bench's board."""
        choice = ["--bench", str(self.file), "--board", "desk", "--output", str(self.nights)]
        return ["run", *choice, "--variants", "tinyconv-int8", *arguments]

    def check_free(self) -> None:
        """Check that no process of a user of the bench is left, and that the board is free."""
        assert left_over(self.environment[MARK]) == {}
        assert is_free(self.serial_number)

    def faults(self, *faults: Fault, board: str = "") -> None:
        """Have board and cable go wrong from the next upload on; see `board_process`."""
        ask(self.state, do="faults", faults=[asdict(fault) for fault in faults], board=board)

    def struck(self) -> list[str]:
        """Return the kinds of the faults that have struck."""
        return [fault["kind"] for fault in ask(self.state, do="state")["struck"]]

    def port(self) -> str | None:
        """Return the board's present port."""
        return ask(self.state, do="state")["port"]

    def set_gain(self, gain: float) -> None:
        """Set the gain of the board's microphone; 0 covers it."""
        ask(self.state, do="gain", gain=gain)

    def break_cli(self, verb: str, kind: str, times: int = 1000) -> None:
        """Have the next calls of a verb of the stand-in go wrong."""
        (self.state / "faults" / verb).write_text(json.dumps({"kind": kind, "times": times}))

    def use_stand_in(self) -> None:
        """Have the stand-in answer all calls: for what the real arduino-cli's tools cannot show."""
        (self.state / STAND_IN).touch()

    def calls(self) -> list[list[str]]:
        """Return the arguments of every call of the stand-in so far."""
        return [json.loads(line) for line in (self.state / "calls.jsonl").read_text().splitlines()]

    def pull_out(self) -> None:
        """Unplug the board for good."""
        self._board.kill()
        self._board.wait()

    def close(self) -> None:
        """End the board and delete the bench's folder; fail if a process is left over or the board taken."""
        for process in self._started:
            process.kill()
            process.wait()
        self.pull_out()
        left = left_over(str(self.folder))
        shutil.rmtree(self.folder)
        assert not left, f"left behind: {left}"
        assert is_free(self.serial_number)

    def _write_command(self) -> Path:
        command = self.folder / "bin" / "arduino-cli"
        command.parent.mkdir()
        paths = f"{_TESTS}{os.pathsep}{ROOT}"
        module = f'stand_in "{self.state}"'
        if real := find_real():
            data, self._core_version = serve_platform()
            module = f'real_cli "{self.state}" "{real}" "{data}"'
        command.write_text(
            f'#!/bin/sh\nPYTHONPATH="{paths}" exec "{sys.executable}" -S -m rehearsal.{module} "$@"\n'
        )
        command.chmod(0o755)
        return command

    def _start_board(self, source: str) -> subprocess.Popen[bytes]:
        environment = self.environment | {
            MARK: f"{self.folder}/board",
            "PYTHONPATH": f"{_TESTS}{os.pathsep}{ROOT}",
            "TMPDIR": str(self.state),  # the machine's folder, which a pulled-out board leaves
        }
        with (self.folder / "board.log").open("wb") as log:
            board = subprocess.Popen(
                [
                    *dies_with_its_parent(),
                    *(sys.executable, "-m", "rehearsal.board_process", str(self.state), source),
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        prefer(board.pid)
        end = time.monotonic() + _START_S
        while not (self.state / SOCKET).exists() or not self._answers():
            if board.poll() is not None or time.monotonic() > end:
                board.kill()
                board.wait()
                said = (self.folder / "board.log").read_text()
                shutil.rmtree(self.folder)
                raise RuntimeError(f"no board: {said}")
            time.sleep(0.02)
        return board

    def _answers(self) -> bool:
        try:
            return bool(ask(self.state, do="state"))
        except BoardNotFound:
            return False


class Run:
    """The result of `earshot run`.

    Attributes:
        status: its exit status.
        told: its stderr.
        folder: of the run that started last; None if there is none.
    """

    def __init__(self, answer: subprocess.CompletedProcess[str], nights: Path) -> None:
        self.status, self.told = answer.returncode, answer.stderr
        folders = sorted(nights.glob("*/*Z-*"), key=lambda folder: folder.name)
        self.folder = folders[-1] if folders else None

    @property
    def record(self) -> dict[str, Any]:
        """The run record as it was written, partial or not."""
        assert self.folder is not None, self.told
        for name in ("run.json", "run.partial.json"):
            if (self.folder / name).exists():
                return json.loads((self.folder / name).read_text())
        raise AssertionError(f"no record in {self.folder}: {self.told}")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each variant."""
        return self.record["variants"]

    def faults(self) -> list[tuple[str, str]]:
        """Return class and message of every fault in the record."""
        return [(fault["failure"], fault["message"]) for row in self.rows for fault in row["faults"]]


def board_of(
    bench: RehearsalBench, optimization: Optimization = "", patience_s: float = PATIENCE_S
) -> Nano33Ble:
    """Return the board of a bench, for this process."""
    read = read_bench(bench.file)
    return Nano33Ble(replace(read.boards[0], optimization=optimization), read, patience_s=patience_s)


def check_message(failure: EarshotError, *parts: str) -> None:
    """Check that a message has these parts and a remedy."""
    assert failure.remedy
    for part in parts:
        assert part in str(failure)


@contextlib.contextmanager
def rehearsal_bench(sink: NullSink | None = None, wait_states: int = 2) -> Iterator[RehearsalBench]:
    """A bench for the length of a test."""
    bench = RehearsalBench(sink, wait_states)
    try:
        yield bench
    finally:
        bench.close()
