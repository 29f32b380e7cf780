"""Inputs of the fuzzing, by kind, and the commands that take them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile
import tflite_cases
from benchmarks.fuzz import Input, Mutate
from benchmarks.mutations import mutate_bytes, mutate_json, mutate_model, mutate_text
from made_nights import accepted, quiet_nights
from made_runs import write_night
from record_lines import boot_line, inference_line, record
from small_models import classifier, tinyconv

from harness import cli
from harness.bench_file import read_bench
from harness.boards.emulated import EmulatedBoard
from harness.boards.registry import board_of
from harness.commands import boards
from harness.errors import ProtocolError
from harness.firmware.firmware import Firmware
from harness.firmware.stage import stage
from harness.layout import CONFIGS, RECORDINGS, ROOT
from harness.link.deadline import Deadline
from harness.link.dut import DeviceUnderTest
from harness.link.transcript import TimedLine
from harness.measure.listening_log import read_listening
from harness.measure.session import noise_inputs
from harness.records.checksum import dump_with_checksum
from harness.records.field_record import read_field, write_field
from harness.regression.baseline import to_toml
from harness.report.pages.field import render_field
from harness.runs.request import FieldRequest, RunRequest, engine_of, load_request
from harness.runs.selection import Selection
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, read_plan, write_plan
from harness.sound.recording_scan import read_recordings
from harness.sound.scene import render
from models.model_artifact import ModelArtifact
from models.reference import ReferenceModel
from models.store import sha256_of
from models.studies import STUDIES, load_study
from models.tflite import read_tflite
from models.variants import load_family

sys.path += [str(ROOT / "tests" / "harness" / part) for part in ("report", "sound")]

LABELS = ("silence", "unknown", "yes", "no")


def as_command(action: Callable[[], Any]) -> int:
    """Call a function as if it were a command: with a command's treatment of errors."""

    def run(_: Any) -> int:
        action()
        return 0

    boards.run = run
    return cli.main(["boards", "--quiet"])


# Models


def models(scratch: Path) -> list[Input]:
    scratch.mkdir(parents=True)
    data = {
        "small": classifier(scratch / "small.tflite").read_bytes(),
        "hears": classifier(scratch / "hears.tflite", 1960, 8).read_bytes(),
        "tinyconv": tinyconv(0.5, 0.5),
        "float": tinyconv(0, 0, "f4"),
    }
    for name in ("conv_2d", "depthwise_conv_2d", "average_pool_2d", "softmax", "pad", "transpose"):
        data |= {f"{name}_{dtype}": getattr(tflite_cases, name)(3, dtype) for dtype in ("i1", "f4")}
    inputs = []
    for name, content in data.items():
        path = scratch / f"{name}.tflite"
        path.write_bytes(content)
        labels = ",".join(f"label{number}" for number in range(read_tflite(path).output_tensors[0].elements))
        for engine in ("codegen", "codegen-sparse", "tflm"):
            inputs.append(Input(path.name, content, mutate_model, _builder(path.name, labels, engine)))
    return inputs


def _builder(name: str, labels: str, engine: str) -> Callable[[Path], int]:
    def take(folder: Path) -> int:
        EmulatedBoard.build = _generate  # the compiler and the emulator would take seconds
        model = str(folder / name)
        return cli.main(["build", "--quiet", "--model", model, "--labels", labels, "--engine", engine])

    return take


def _generate(board: EmulatedBoard, model: ModelArtifact, engine: Any, *_: Any) -> Firmware:
    """Generate the sources of a model and compute its reference, instead of compiling."""
    with tempfile.TemporaryDirectory(prefix="earshot-stage-") as folder:
        stage(model, engine, Path(folder))
    reference = ReferenceModel(model.tflite)
    reference.probabilities(noise_inputs(reference, 1)[0])
    raise SystemExit(0)


# Sounds


def sounds(scratch: Path) -> list[Input]:
    words = ("yes/andy.wav", "no/annie.wav")
    samples, rate_hz = soundfile.read(RECORDINGS / words[0], dtype="float32")
    stereo = np.stack([samples, -samples], axis=1)
    files = {name: (RECORDINGS / name).read_bytes() for name in words}
    for name, sound, rate, options in (
        ("stereo", stereo, 44_100, {"subtype": "FLOAT"}),
        ("deep", samples, 8_000, {"subtype": "PCM_24"}),
        ("adpcm", samples, rate_hz, {"subtype": "MS_ADPCM"}),
        ("gsm", samples, 8_000, {"subtype": "GSM610"}),
        ("telephone", samples, 8_000, {"subtype": "ULAW"}),
    ):
        written = io.BytesIO()
        soundfile.write(written, sound, rate, format="WAV", **options)
        files[f"yes/{name}.wav"] = written.getvalue()
    inputs = []
    for name, data in files.items():
        inputs += [
            Input(name, data, mutate_bytes, _shower(name)),
            Input(
                name, data, mutate_bytes, lambda folder: as_command(lambda: read_recordings(folder, LABELS))
            ),
            Input(name, data, mutate_bytes, _keyword_free),
        ]
    manifest = (RECORDINGS / "manifest.csv").read_text().splitlines()
    header, rows = manifest[0], [line for line in manifest if line.startswith(words)]
    assert next(csv.reader([header]))
    inputs += [Input("manifest.csv", "\n".join([header, *rows, ""]).encode(), mutate_text, _listed)] * 4
    return inputs


def _shower(name: str) -> Callable[[Path], int]:
    return lambda folder: cli.main(["show", "--quiet", str(folder / name), "--output", str(folder / "page")])


def _keyword_free(folder: Path) -> int:
    return as_command(lambda: make_plan(RECORDINGS, PlanOptions(quick=False, keyword_free=folder)))


def _listed(folder: Path) -> int:
    for word in ("yes", "no"):
        shutil.copytree(RECORDINGS / word, folder / word)
    return as_command(lambda: read_recordings(folder, LABELS))


# TOML


def toml(scratch: Path) -> list[Input]:
    inputs = [
        Input(
            path.name, path.read_bytes(), mutate_text, lambda folder: as_command(lambda: load_family(folder))
        )
        for path in sorted(CONFIGS.glob("*.toml"))
    ]
    inputs += [
        Input(path.name, path.read_bytes(), mutate_text, _study(path.stem))
        for path in sorted(STUDIES.glob("*.toml"))
    ]
    bench = (ROOT / "docs" / "examples" / "bench.example.toml").read_bytes()
    baseline = to_toml(accepted(quiet_nights(8))).encode()
    inputs += [Input("bench.toml", bench, mutate_text, _bench)] * 6
    inputs += [Input("emulated.toml", baseline, mutate_text, _baseline)] * 6
    return inputs


def _study(name: str) -> Callable[[Path], int]:
    return lambda folder: as_command(lambda: load_study(name, folder))


def _bench(folder: Path) -> int:
    def use() -> None:
        bench = read_bench(folder / "bench.toml")
        for entry in bench.boards:
            board_of(entry, bench)
            engine_of(entry, "")

    return as_command(use)


def _baseline(folder: Path) -> int:
    return cli.main(["baseline", "show", "--quiet", "--board", "emulated", "--baselines", str(folder)])


# Requests and playback plans


def requests(scratch: Path) -> list[Input]:
    night = write_night(scratch, 1) / "run.json"
    begun = json.loads(night.read_bytes())

    def resume(folder: Path) -> int:
        # The text of a request is one value of a record.
        text = (folder / "request").read_text(encoding="utf-8", errors="surrogateescape")
        made = {**begun, "run": {**begun["run"], "ended": "", "request": text}}
        (folder / "run.partial.json").write_text(dump_with_checksum(made))
        return as_command(lambda: load_request(folder).setup())

    selection = Selection(model_file=RECORDINGS / "m.tflite", labels=LABELS)
    plan = FieldRequest(options=PlanOptions(keyword_free_s=60.0))
    wanted = (
        RunRequest(Selection(), "emulated"),
        RunRequest(selection, "emulated", "codegen", None, "", "cycles", RECORDINGS, field=plan),
    )
    inputs = [Input("request", request.dump().encode(), mutate_json, resume) for request in wanted]

    write_plan(make_plan(RECORDINGS, PlanOptions(keyword_free_s=10.0, quick=False)), scratch / "plan.json")
    content = (scratch / "plan.json").read_bytes()

    def play(folder: Path) -> int:
        def first() -> None:
            plan = read_plan(folder / "plan.json")
            render(plan, plan.segments[0])

        return as_command(first)

    return [*inputs, *[Input("plan.json", content, mutate_json, play)] * 2]


# Records


def records(scratch: Path) -> list[Input]:
    from samples import sample_field, sample_record

    from harness.records.record import write_record

    night = write_night(scratch / "nights", 1) / "run.json"
    write_record(sample_record(), scratch / "run.json")
    write_plan(make_plan(RECORDINGS, PlanOptions()), scratch / "plan.json")
    played = sample_field()
    played.plan["sha256"] = sha256_of(scratch / "plan.json")
    write_field(played, scratch / "field.json")

    def sealed(data: bytes, random: Any) -> bytes:
        return mutate_json(data, random, dump_with_checksum)

    def report(folder: Path) -> int:
        return cli.main(["report", "--quiet", str(folder / "run.json")])

    def compare(folder: Path) -> int:
        return cli.main(["compare", "--quiet", str(night), str(folder / "run.json")])

    def history(folder: Path) -> int:
        pages = str(folder / "pages")
        return cli.main(["history", "--quiet", str(folder), "--output", pages, "--baselines", pages])

    def read(folder: Path) -> int:
        shutil.copyfile(scratch / "plan.json", folder / "plan.json")
        return cli.main(["field", "--quiet", "--read", str(folder)])

    whole, field = (scratch / "run.json").read_bytes(), (scratch / "field.json").read_bytes()

    def again(folder: Path) -> int:
        return as_command(lambda: render_field(read_field(folder / "field.json"), folder))

    inputs = [Input("run.json", whole, sealed, report), Input("field.json", field, sealed, read)]
    inputs.append(Input("field.json", field, sealed, again))
    for take in (report, compare, history):
        inputs.append(
            Input("emulated/1/run.json" if take is history else "run.json", night.read_bytes(), sealed, take)
        )
    return inputs


# Serial lines


class _Lines:
    """A link on which a device has sent everything beforehand."""

    name = "lines"

    def __init__(self, data: bytes) -> None:
        self._lines = iter(data.split(b"\n"))

    def write(self, data: bytes) -> None:
        pass

    def next_line(self, deadline: Deadline) -> TimedLine:
        for line in self._lines:
            return TimedLine(0.0, line)
        raise ProtocolError("the device did not answer", remedy="Read the transcript.")


def serial(scratch: Path) -> list[Input]:
    listening = [
        boot_line(),
        b"m-ready",
        *[inference_line(number, 20 * number) for number in range(40)],
        record("det", 40, 860, "yes", 214),
        record("ovr", 41, 900, 256),
        record("end", 42, 40, 1, 1, 16_000),
        b"m-ready",
    ]
    transcript = b"".join(b"%.6f\t%b\n" % (number / 10, line) for number, line in enumerate(listening))

    def log(folder: Path) -> int:
        return as_command(lambda: read_listening(folder / "listening.log", len(LABELS)))

    replies = {
        "name": [b"m-name-dut-[desk]", b"m-ready"],
        "boot": [boot_line(), b"m-ready"],
        "infer": [b"m-lap-us-100", b"m-lap-us-4200", b"m-results-[0.004,0.000,0.996,0.000]", b"m-ready"],
        "clip": [b"m-[Expecting 32000 bytes]", b"m-load-done", b"m-features-crc-0badcafe", b"m-ready"],
        "listen": [b"m-ready", *listening[2:]],
    }

    def talk(question: str) -> Callable[[Path], int]:
        def ask(folder: Path) -> int:
            device = DeviceUnderTest(_Lines((folder / "replies").read_bytes()))
            questions: dict[str, Callable[[], Any]] = {
                "name": device.name,
                "boot": device.handshake,
                "infer": lambda: msgspec.json.encode(device.infer(3).lap_us),
                "clip": lambda: device.load_clip(np.zeros(16_000, np.int16)),
                "listen": lambda: list(device.listen(lambda: None, labels=len(LABELS))),
            }
            return as_command(questions[question])

        return ask

    mutate: Mutate = mutate_text
    inputs = [Input("listening.log", transcript, mutate, log)] * len(replies)
    return inputs + [
        Input("replies", b"\n".join([*lines, b""]), mutate, talk(question))
        for question, lines in replies.items()
    ]


KINDS: dict[str, Callable[[Path], list[Input]]] = {
    "models": models,
    "sounds": sounds,
    "toml": toml,
    "requests": requests,
    "records": records,
    "serial": serial,
}
