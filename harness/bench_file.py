"""The bench file: boards, loudspeaker, power meter, recordings, recognizers and thresholds of detection."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import tomlkit

from harness.files import write_atomic
from harness.layout import ROOT
from harness.recognizer import DEFAULT, Recognizer
from harness.stats.matching import TOLERANCE_S
from models import progress
from models.decoding import Meta, TomlFile, decode_text, matching, user_path
from models.errors import ConfigError
from models.variants import load_family

VARIABLE = "EARSHOT_BENCH"
"""Environment variable with the bench file's path."""

FILE = "bench.toml"
"""Usual name of the bench file, in the checkout; not committed, since it describes one desk."""


ClockName = Literal["", "cycles", "instructions"]
Optimization = Literal["", "Os", "O1", "O2", "O3"]

MOST_WAIT_S = 7 * 24 * 3600
WaitSeconds = Annotated[float, Meta(ge=0, le=MOST_WAIT_S)]

UPLOAD_PLACEHOLDERS = ("image", "hex", "bin", "port", "host", "serial_number", "fqbn")
"""Placeholders of `upload_command`."""

RECOVERY_PLACEHOLDERS = ("serial_number",)
"""Placeholders of `recover`, which runs while the board may have no port."""

_PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)\}")  # not a shell's ${VARIABLE}


@dataclass(frozen=True, kw_only=True)
class BoardTable:
    """A table [board.<name>] of the bench file.

    Attributes:
        kind: kind of board, a module of harness/boards such as "nano33ble".
        serial_number: USB serial number, which never changes; "" takes the only board of the kind.
        usb_location: USB socket of a board without a serial number, such as "1-1.4"; "" for any.
        revision: as printed on the board, such as "Sense Rev2"; USB does not report it.
        core: arduino-cli's core and its version, "arduino:mbed_nano@4.6.0"; "" takes any.
        libraries: Arduino libraries and their versions, such as "Chirale_TensorFlowLite@2.0.0".
        engine: inference engine; "" takes the kind's default.
        icache: instruction cache; "as-is" leaves it as the core set it.
        clock: time of an emulated board: "cycles" of the cycle model, or "instructions"; "" is "cycles".
        optimization: level of the compiler, for the whole image; "" is a stock sketch's, "Os".
        host: of a small Linux computer, for ssh, such as "pi@kws-pi"; "" for this host.
        port: serial port, for a board that cannot be found by serial number: /dev/…, socket://…, rfc2217://….
        labgrid: place of labgrid that has the board, for its port and its host.
        upload_command: shell command that puts an image on the board, with `UPLOAD_PLACEHOLDERS`; "" uploads
            by arduino-cli.
        upload_timeout_s: longest time of an upload, and of `recover`.
        recover: shell command that brings the board back, such as a power cycle, before the last attempt of
            an upload or a port search; with `RECOVERY_PLACEHOLDERS`.
        wait_s: longest wait for a board that another process holds.
    """

    kind: str
    serial_number: str = ""
    usb_location: Annotated[str, matching(r"(\d+-\d+(\.\d+)*)?", "a USB socket, such as 1-1.4")] = ""
    revision: str = ""
    core: Annotated[str, matching(r"(\w[\w-]*:\w[\w-]*@[\w.+-]+)?", "packager:architecture@version")] = ""
    libraries: tuple[Annotated[str, matching(r"[^@]+@[\w.+-]+", "name@version")], ...] = ()
    engine: str = ""
    icache: Literal["on", "off", "as-is"] = "on"
    clock: ClockName = ""
    optimization: Optimization = ""
    host: Annotated[str, matching(r"([^\s-]\S*)?", "a host for ssh, such as pi@kws-pi")] = ""
    port: str = ""
    labgrid: str = ""
    upload_command: str = ""
    upload_timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 120.0  # up to 960 KB through a bootloader
    recover: str = ""
    wait_s: WaitSeconds = 0.0


@dataclass(frozen=True)
class BoardEntry(BoardTable):
    """A board on the bench; `name` is for `--board`."""

    name: str


@dataclass(frozen=True)
class SpeakerEntry:
    """The loudspeaker in front of the board: the table [speaker].

    Attributes:
        device: name or part of a name, as sounddevice lists it; exactly one device must match.
        level_dbfs: RMS of the words' active parts as they are played, dB re full scale. The default
            recordings clip above -20.5.
        distance_m: distance from the board's microphone in meters; None if nobody measured it.
        silence_s: silence before the sound: the first second of a stream is often lost.
        latency: latency of the audio stream; "high" underflows less.
        room: the room, for the record.
        noise: background noise, for the record.
    """

    device: Annotated[str, matching(r".*\S.*", "a name, or a part of one")]
    level_dbfs: Annotated[float, Meta(ge=-80, le=0)] = -24.0
    distance_m: Annotated[float, Meta(gt=0, le=20)] | None = None
    silence_s: Annotated[float, Meta(ge=0, le=60)] = 1.5
    latency: Literal["low", "high"] = "high"
    room: str = ""
    noise: str = ""


@dataclass(frozen=True, kw_only=True)
class MeterTable:
    """The power meter of the board: the table [meter].

    Attributes:
        kind: kind of meter, a module of harness/meters such as "ppk2".
        volts: voltage that the meter supplies, or that the board is supplied with.
        supplies: True if the meter powers the board; False if it measures between supply and board.
        serial_number: of the meter; "" takes the only one.
        port: serial port of a meter that cannot be found.
        device: name of a sensor that the kernel knows, such as "ina226" (hwmon) or "package-0" (powercap); ""
            takes the only one.
        stage_inputs: digital inputs of the meter that are wired to the two stage pins of the board.
    """

    kind: str
    volts: Annotated[float, Meta(ge=0.8, le=5)] = 3.3
    supplies: bool = False
    serial_number: str = ""
    port: str = ""
    device: str = ""
    stage_inputs: tuple[Annotated[int, Meta(ge=0, le=7)], Annotated[int, Meta(ge=0, le=7)]] = (0, 1)


@dataclass(frozen=True)
class Thresholds:
    """Limits of a usable acoustic path and of a detection: the table [thresholds].

    Attributes:
        chirp_snr_db: least signal-to-noise ratio of the chirp at the board's microphone.
        chirp_min_dbfs: least level of the chirp, dB re full scale of the board's microphone.
        chirp_max_dbfs: highest level of the chirp; a louder one is as good as clipped.
        detection_window_s: longest time from a word's end to a detection that counts for the word.
    """

    chirp_snr_db: Annotated[float, Meta(ge=0, le=80)] = 10.0
    chirp_min_dbfs: Annotated[float, Meta(ge=-120, lt=0)] = -60.0
    chirp_max_dbfs: Annotated[float, Meta(gt=-120, le=0)] = -1.0
    detection_window_s: Annotated[float, Meta(gt=0, le=10)] = TOLERANCE_S


@dataclass(frozen=True)
class Bench:
    """A bench and its equipment.

    Attributes:
        path: the bench file; None without one.
        name: of the bench, for a history of several; "" for the name of its host.
        boards: in the order of the file.
        speaker: None without a loudspeaker.
        meter: None without a power meter.
        recordings: folder of the recordings to play; None for the checkout's.
        thresholds: limits of a usable acoustic path and of a detection.
        recognizer: by the id of the model.
    """

    path: Path | None = None
    name: str = ""
    boards: tuple[BoardEntry, ...] = ()
    speaker: SpeakerEntry | None = None
    meter: MeterTable | None = None
    recordings: Path | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    recognizer: Mapping[str, Recognizer] = field(default_factory=dict)

    def recognizer_of(self, model: str) -> Recognizer:
        """Return the recognizer of a model by its id; the default one if the file has none for it.

        Warn of a similar id in the file that is no variant's: it may be misspelled. Other ids may be those of
        other `--model` files.
        """
        if model in self.recognizer:
            return self.recognizer[model]
        known = {variant.id for variant in load_family()[0]} if self.recognizer else set()
        if near := get_close_matches(model, self.recognizer.keys() - known, 1):
            progress.warn_once(
                f"{model} uses the default recognizer: {self.path} has no [recognizer.{model}], but "
                f"[recognizer.{near[0]}], which is no variant. Rename the table if it is for {model}."
            )
        return DEFAULT


@dataclass(frozen=True)
class _File:
    name: str = ""
    board: dict[str, BoardTable] = field(default_factory=dict)
    speaker: SpeakerEntry | None = None
    meter: MeterTable | None = None
    recordings: Path | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    recognizer: dict[str, Recognizer] = field(default_factory=dict)


def read_bench(path: Path) -> Bench:
    """Read and validate a bench file; docs/examples/bench.example.toml explains every key.

    Raises:
        ConfigError: names file, line, key and the allowed values.
    """
    file = TomlFile(path)
    found = file.read(_File)
    _check_serial_numbers(file, found.board)
    _check_commands(file, found.board)
    thresholds = found.thresholds
    if thresholds.chirp_min_dbfs >= thresholds.chirp_max_dbfs:
        raise file.refusal(
            f"{thresholds.chirp_min_dbfs} is not below chirp_max_dbfs",
            ("thresholds", "chirp_min_dbfs"),
            f"Allowed: below {thresholds.chirp_max_dbfs}.",
        )
    boards = tuple(BoardEntry(name, **asdict(table)) for name, table in found.board.items())
    return Bench(
        path,
        found.name,
        boards,
        found.speaker,
        found.meter,
        found.recordings,
        thresholds,
        found.recognizer,
    )


def write_recognizers(recognizers: Mapping[str, Recognizer], path: Path | None = None) -> Path:
    """Write recognizers into a bench file, whose other lines stay; one that does not exist is made.

    Args:
        recognizers: by the id of the model.
        path: see `find_bench`.

    Raises:
        ConfigError: the file is invalid (see `read_bench`) or write-protected, or has recognizers as dotted
            keys.
    """
    path = _named(path) or ROOT / FILE
    before = ""
    if path.exists():
        read_bench(path)
        before = decode_text(path.read_bytes(), path)
        if not os.access(path, os.W_OK):
            raise ConfigError("the bench file is write-protected", str(path), "Name another with --bench.")
    document = tomlkit.parse(before)
    tables = document.setdefault("recognizer", tomlkit.table(is_super_table=True))
    for model, recognizer in recognizers.items():
        tables[model] = asdict(recognizer)
    text = tomlkit.dumps(document)
    if tomlkit.parse(text).unwrap() != document.unwrap():  # what follows dotted keys would fall into a table
        raise ConfigError(
            "recognizers cannot be added to dotted keys",
            str(path),
            "Write those of the file as tables, [recognizer.NAME], at its end.",
        )
    write_atomic(re.sub("\r?\n", "\r\n", text) if "\r\n" in before else text, path)
    return path


def recognizer_tables(recognizers: Mapping[str, Recognizer]) -> str:
    """Return the tables of recognizers as they stand in a bench file."""
    return tomlkit.dumps({"recognizer": {model: asdict(one) for model, one in recognizers.items()}})


def find_bench(path: Path | None = None) -> Bench:
    """Return the bench of this machine; an empty one if there is no bench file.

    Args:
        path: the bench file; None for $EARSHOT_BENCH, or else bench.toml in the checkout.

    Raises:
        ConfigError: see `read_bench`; also if a file that was named does not exist.
    """
    if named := _named(path):
        return read_bench(named)
    usual = ROOT / FILE
    return read_bench(usual) if usual.exists() else Bench()


def _named(path: Path | None) -> Path | None:
    return path or (user_path(variable) if (variable := os.environ.get(VARIABLE)) else None)


def _check_serial_numbers(file: TomlFile, boards: dict[str, BoardTable]) -> None:
    owners: dict[str, str] = {}
    for name, table in boards.items():
        owner = owners.setdefault(table.serial_number.casefold(), name)
        if table.serial_number and owner != name:
            raise file.refusal(
                f"board {owner} has the same serial number",
                ("board", name, "serial_number"),
                "Give each board its own: `earshot boards` lists them.",
            )


def fill(command: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders of a shell command by values, quoted for the shell."""
    return _PLACEHOLDER.sub(lambda match: shlex.quote(values[match[1]]), command)


def _check_commands(file: TomlFile, boards: dict[str, BoardTable]) -> None:
    for name, table in boards.items():
        for key, allowed in (("upload_command", UPLOAD_PLACEHOLDERS), ("recover", RECOVERY_PLACEHOLDERS)):
            for unknown in set(_PLACEHOLDER.findall(getattr(table, key))) - set(allowed):
                raise file.refusal(
                    f"there is no placeholder {{{unknown}}}",
                    ("board", name, key),
                    f"Allowed: {', '.join(f'{{{each}}}' for each in allowed)}.",
                )
