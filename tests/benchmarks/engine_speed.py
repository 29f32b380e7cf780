"""Benchmark of the engines and the front end on the emulated board: modeled cycles and memory."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.boards.emulated import EmulatedBoard
from harness.errors import EarshotError
from harness.firmware.arduino_platform import OPTIMIZATION
from harness.firmware.engine import engines, get_engine
from harness.firmware.firmware import Firmware
from harness.firmware.tflm.choice import VARIABLE
from harness.footprint import FAST, Footprint
from harness.layout import CONFIGS, store_root
from harness.measure.arena import build_sized
from models.data.corpus import synthetic_corpus
from models.model_artifact import ModelArtifact
from models.pipeline import external, prepare
from models.store import Store
from models.variants import load_family

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
VARIANTS = ("tinyconv-int8", "tinyconv-float32", "ds-cnn-int8")
FILES = {"micro_speech_quantized": 4, "kws_ref_model": 12}
"""Outputs of the models in ../shared/data."""

_SLICES = 25
"""Slices of the front end in the board's command `cycles`: those of 8192 samples (sample_ring.h)."""


@dataclass(frozen=True)
class Speed:
    """Figures of a model with an engine.

    Attributes:
        cycles: modeled cycles of an inference.
        slice_cycles: modeled cycles of the front end for 20 ms of sound; None for a model that hears nothing.
    """

    model: str
    macs: int
    firmware: Firmware
    cycles: int
    slice_cycles: float | None

    @property
    def cycles_per_mac(self) -> float:
        return self.cycles / self.macs


def measure(
    board: EmulatedBoard,
    model: ModelArtifact,
    engine_name: str,
    store: Store,
    footprint: Footprint = FAST,
) -> Speed:
    """Build a model's image and count the cycles of an inference on the board."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        engine = get_engine(engine_name, footprint=footprint)
        firmware = build_sized(board, model, engine, store, lambda: log)
        board.upload(firmware)
        device = board.open(log)
        device.load(bytes(int(np.prod(model.input["shape"])) * (4 if model.precision == "float32" else 1)))
        cycles = device.stage_cycles()
    heard = cycles.get("preprocess")
    per_slice = None if heard is None else heard / _SLICES
    return Speed(model.id, model.macs or 0, firmware, cycles["inference"], per_slice)


def models(store: Store, wanted: Sequence[str]) -> Iterator[ModelArtifact]:
    """Prepare the wanted models; name on stderr those that are not there."""
    for name in (name for name in VARIANTS if name in wanted):
        (variant,), _ = load_family(CONFIGS, name)
        yield prepare(variant, synthetic_corpus(store), store)
    for name in (name for name in FILES if name in wanted):
        file = SHARED / f"{name}.tflite"
        if file.is_file():
            yield external(file, [f"label {i}" for i in range(FILES[name])], store)
        else:
            print(f"skipped {name}: {file} is not there", file=sys.stderr)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--models", nargs="+", default=[*VARIANTS, *FILES], help="variants, and files in ../shared/data"
    )
    parser.add_argument("--engines", nargs="+", default=["codegen", "tflm"])
    parser.add_argument("--optimization", default=OPTIMIZATION, help="flags of the whole image")
    options = parser.parse_args()
    store = Store(store_root())
    if "tflm" in options.engines and VARIABLE not in os.environ:
        options.engines.remove("tflm")
        print(f"skipped engine tflm: {VARIABLE} does not name a copy of the library", file=sys.stderr)
    print(
        "model                   engine  footprint   cycles  cycles/MAC  slice   arena     RAM    flash"
        "  flags"
    )
    known = engines()
    images = [(name, one) for name in options.engines for one in known[name].footprints]
    with EmulatedBoard(store, optimization=options.optimization) as board:
        for model in models(store, options.models):
            for engine, footprint in images:
                try:
                    speed = measure(board, model, engine, store, footprint)
                except EarshotError as failure:
                    print(f"skipped {model.id} with {engine}: {failure}", file=sys.stderr)
                    continue
                image, heard = speed.firmware, speed.slice_cycles
                print(
                    f"{speed.model:<24}{engine:<8}{footprint:<9}{speed.cycles:>9,}{speed.cycles_per_mac:>12.3f}"
                    f"{'' if heard is None else f'{heard:,.0f}':>7}{image.arena_bytes:>8,}"
                    f"{image.ram_bytes:>8,}{image.flash_bytes:>9,}  {image.optimization}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
