"""The bench file: which boards and which speaker stand where, and what counts as heard."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from harness.layout import ROOT
from harness.stats.matching import TOLERANCE_S
from models.toml_table import Allowed, TableName, TomlFile, matching

VARIABLE = "EARSHOT_BENCH"
"""Environment variable with the bench file's path."""

FILE = "bench.toml"
"""The bench file's usual name, in the checkout; not committed: it belongs to one desk."""


@dataclass(frozen=True)
class BoardEntry:
    """A board on the bench: a table [board.<name>] of the bench file.

    Attributes:
        name: what the bench calls it; for `--board`.
        kind: the kind of board, a module of harness/boards such as "nano33ble".
        serial_number: its USB serial number, which never changes; "" takes the only one of its kind.
        revision: as printed on it, such as "Sense" or "Sense Rev2": USB does not tell.
        core: arduino-cli's core with its version, "arduino:mbed_nano@4.6.0"; "" takes any.
        libraries: with their versions, such as "Chirale_TensorFlowLite@2.0.0".
        engine: what runs the models on it; "" takes the kind's default.
        icache: instruction cache, "as-is" leaves it as the core set it.
        port: where its serial port is, instead of finding it: /dev/…, socket://…, rfc2217://….
    """

    name: Annotated[str, TableName]
    kind: str
    serial_number: str = ""
    revision: str = ""
    core: Annotated[str, matching(r"(\w[\w-]*:\w[\w-]*@[\w.+-]+)?", "packager:architecture@version")] = ""
    libraries: Annotated[tuple[str, ...], matching(r"[^@]+@[\w.+-]+", "a list of name@version")] = ()
    engine: str = ""
    icache: Literal["on", "off", "as-is"] = "on"
    port: str = ""


@dataclass(frozen=True)
class SpeakerEntry:
    """The loudspeaker in front of the board: the table [speaker].

    Attributes:
        device: its name or a part of it, as sounddevice lists it; exactly one must match.
        level_dbfs: RMS of the words' active parts as they are played, dB re full scale. Those of the
            default recordings clip above -20.5.
        distance_m: from the board's microphone, meters; None where nobody measured.
        silence_s: played before anything else: the first second of a stream is often lost.
        latency: of the audio stream; "high" underflows less.
        room: where it stands, for the record.
        noise: what else sounds there, for the record.
    """

    device: Annotated[str, matching(r".*\S.*", "a name, or a part of one")]
    level_dbfs: Annotated[float, Allowed(lambda level: -80 <= level <= 0, "-80 to 0")] = -24.0
    distance_m: Annotated[float | None, Allowed(lambda distance: 0 < distance <= 20, "above 0, to 20")] = None
    silence_s: Annotated[float, Allowed(lambda silence: 0 <= silence <= 60, "0 to 60")] = 1.5
    latency: Literal["low", "high"] = "high"
    room: str = ""
    noise: str = ""


@dataclass(frozen=True)
class Thresholds:
    """What counts as heard: the table [thresholds].

    Attributes:
        chirp_snr_db: the board must hear the chirp at least so far above the noise.
        chirp_min_dbfs: and at least so loud, dB re full scale of its microphone.
        chirp_max_dbfs: and at most so loud: above, it is as good as clipped.
        detection_window_s: a detection counts for a word until this long after its end.
    """

    chirp_snr_db: Annotated[float, Allowed(lambda ratio: 0 <= ratio <= 80, "0 to 80")] = 10.0
    chirp_min_dbfs: Annotated[float, Allowed(lambda level: -120 <= level < 0, "-120 to below 0")] = -60.0
    chirp_max_dbfs: Annotated[float, Allowed(lambda level: -120 < level <= 0, "above -120, to 0")] = -1.0
    detection_window_s: Annotated[float, Allowed(lambda time: 0 < time <= 10, "above 0, to 10")] = TOLERANCE_S


@dataclass(frozen=True)
class Bench:
    """What stands on a bench.

    Attributes:
        path: the bench file; None where there is none.
        boards: in the order of the file.
        speaker: None where none is wired up.
        recordings: the folder of what is played; None takes that of the checkout.
        thresholds: what counts as heard.
    """

    path: Path | None = None
    boards: tuple[BoardEntry, ...] = ()
    speaker: SpeakerEntry | None = None
    recordings: Path | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True)
class _File:
    """The bench file as it is written."""

    board: dict[str, BoardEntry] = field(default_factory=dict)
    speaker: SpeakerEntry | None = None
    recordings: Path | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)


def read_bench(path: Path) -> Bench:
    """Reads and validates a bench file; docs/examples/bench.example.toml explains every key.

    Raises:
        ConfigError: names the file, the line, the key and what is allowed.
    """
    file = TomlFile(path)
    found = file.read(_File)
    _check_serial_numbers(file, found.board)
    if found.thresholds.chirp_min_dbfs >= found.thresholds.chirp_max_dbfs:
        raise file.refusal(
            f"chirp_min_dbfs is {found.thresholds.chirp_min_dbfs}, above chirp_max_dbfs",
            ("thresholds", "chirp_min_dbfs"),
            f"Allowed: below chirp_max_dbfs, {found.thresholds.chirp_max_dbfs}.",
        )
    return Bench(path, tuple(found.board.values()), found.speaker, found.recordings, found.thresholds)


def find_bench(path: Path | None = None) -> Bench:
    """The bench of this machine: the given file, else $EARSHOT_BENCH, else bench.toml in the checkout.

    Without any of them it is an empty bench.

    Raises:
        ConfigError: see `read_bench`; also where a file that was asked for is not there.
    """
    named = path or (Path(variable).expanduser() if (variable := os.environ.get(VARIABLE)) else None)
    if named is not None:
        return read_bench(named)
    usual = ROOT / FILE
    return read_bench(usual) if usual.exists() else Bench()


def _check_serial_numbers(file: TomlFile, boards: dict[str, BoardEntry]) -> None:
    owners: dict[str, str] = {}
    for name, entry in boards.items():
        if not entry.serial_number:
            continue
        if entry.serial_number in owners:
            raise file.refusal(
                f"{owners[entry.serial_number]} has the same serial number",
                ("board", name, "serial_number"),
                "Give each board its own: `earshot boards` lists them.",
            )
        owners[entry.serial_number] = name
