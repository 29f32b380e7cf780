"""Run records of a family of variants with invented values."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sample_run import LABELS, measured, sample_record

from harness.records.record import Fault, LabelCount, RunRecord, VariantRow

CHANNELS = (0.125, 0.5, 0.9)
WEIGHTS = (0.1, 0.5, 0.9)
_TEST_LABELS = [label for label in range(4) for _ in range(50)]
_TITLES = {"tinyconv": "TinyConv", "ds-cnn": "DS-CNN"}


def family_run() -> RunRecord:
    """Return two networks pruned at several thresholds, one that no board can run, and every kind of gap."""
    rows = [
        trained("tinyconv", "float32", 24_000, 0.87),
        trained("tinyconv", "int8", 11_000, 0.86),
        quantized("tinyconv-aware", "TinyConv, int8 by quantization-aware training", 8, "int8", 11_000),
        *(pruned("tinyconv", "weights", share, 11_000, 0.86 - 0.3 * share**3) for share in WEIGHTS),
        *(
            pruned("tinyconv", "channels", share, 11_000 * (1 - share) + 400, 0.86 - share / 4)
            for share in CHANNELS
        ),
        trained("ds-cnn", "float32", 180_000, 0.93),
        trained("ds-cnn", "int8", 60_000, 0.92),
        *(
            pruned("ds-cnn", "channels", share, 60_000 * (1 - share) ** 2 + 900, 0.92 - share / 5)
            for share in CHANNELS
        ),
        not_deployable(quantized("bits-4", "TinyConv, 4 bits", 4, "float32", 0)),
        too_large(pruned("ds-cnn", "channels", 0.05, 1, 0.9)),
        VariantRow("all-pruned", "all-pruned", [], faults=[Fault("config", "config: no channel is left.")]),
    ]
    return replace(sample_record(), variants=rows)


def sparse_run() -> RunRecord:
    """Return the same pruned weights with an engine that skips zeros."""
    rows = []
    for share in (0.0, *WEIGHTS):
        row = (
            pruned("tinyconv", "weights", share, 11_500 * (1 - share), 0.86 - 0.3 * share**3)
            if share
            else trained("tinyconv", "int8", 11_500, 0.86)
        )
        assert row.firmware
        rows.append(replace(row, firmware=replace(row.firmware, engine="codegen-sparse")))
    night = sample_record()
    run = {**night.run, "id": "00000000-0000-4000-8000-000000000001", "started": "2024-05-01T02:00:00+00:00"}
    return replace(night, run=run, variants=rows)


def trained(network: str, precision: str, inference_us: float, accuracy: float) -> VariantRow:
    """Return a network as it was trained."""
    return _row(f"{network}-{precision}", f"{_TITLES[network]}, {precision}", network, inference_us, accuracy)


def pruned(network: str, kind: str, share: float, inference_us: float, accuracy: float) -> VariantRow:
    """Return a pruned int8 network."""
    pruning = {"kind": kind, "threshold": share, "criterion": "l1", "fine_tune_epochs": 10}
    title = f"{_TITLES[network]}, int8, {100 * share:g} % of the {kind} pruned"
    row = _row(f"{network}-{kind}-{100 * share:g}-int8", title, network, inference_us, accuracy)
    model = row.model
    assert model and model.parameters and model.macs and model.compressed_bytes
    left = round(model.parameters * (1 - share))
    macs = round(model.macs * (1 - share)) if kind == "channels" else model.macs
    model = replace(
        model,
        pruning=pruning,
        parameters=left if kind == "channels" else model.parameters,
        remaining_parameters=left,
        macs=macs,
        compressed_bytes=round(model.compressed_bytes * (1 - 0.8 * share)),
    )
    return replace(row, model=model)


def quantized(identity: str, title: str, bits: int, precision: str, inference_us: float) -> VariantRow:
    """Return a network of integers of `bits` bits."""
    row = _row(identity, title, "tinyconv", inference_us, 0.85, precision)
    assert row.model
    of = {"method": "aware", "number": "integer", "bits": bits, "symmetric": True, "per_channel": True}
    return replace(row, model=replace(row.model, quantization=of, deployable=precision == "int8"))


def not_deployable(row: VariantRow) -> VariantRow:
    """Return a variant with an accuracy and no measurement."""
    assert row.model
    model = replace(
        row.model, tflite_sha256=None, tflite_bytes=None, compressed_bytes=None, sizing=None, operators={}
    )
    return VariantRow(row.id, row.title, row.labels, model=model)


def too_large(row: VariantRow) -> VariantRow:
    """Return a variant that was converted but does not fit the board."""
    message = (
        "does-not-fit: the image needs 412,880 bytes of ram, the board has 262,144. Choose a smaller variant."
    )
    return VariantRow(row.id, row.title, row.labels, model=row.model, faults=[Fault("does-not-fit", message)])


def _row(
    identity: str, title: str, network: str, inference_us: float, accuracy: float, precision: str = ""
) -> VariantRow:
    dice = random.Random(identity)
    row = measured(identity, title, round(inference_us), seed=dice.randrange(1000))
    assert row.model and row.firmware
    heard = [label if dice.random() < accuracy else dice.randrange(4) for label in _TEST_LABELS]
    precision = precision or ("float32" if identity.endswith("float32") else "int8")
    large = network == "ds-cnn"
    model = replace(
        row.model,
        precision=precision,
        network=network,
        seed=1,
        parameters=22_604 if large else 16_652,
        remaining_parameters=22_604 if large else 16_652,
        macs=2_656_768 if large else 336_000,
        compressed_bytes=25_000 if large else 15_000,
        sizing=sizing(precision),
        accuracy=row.model.accuracy | {"testing": counted(heard)},
        test_predictions=heard,
        test_labels=_TEST_LABELS,
    )
    host = [
        replace(one, median_us=one.median_us and one.median_us * dice.uniform(0.8, 1.2)) for one in row.host
    ]
    return replace(row, model=model, host=host)


def counted(heard: Sequence[int]) -> list[LabelCount]:
    """Count the correct clips of each label."""
    pairs = list(zip(heard, _TEST_LABELS, strict=True))
    return [
        LabelCount(label, pairs.count((index, index)), _TEST_LABELS.count(index))
        for index, label in enumerate(LABELS)
    ]


def sizing(precision: str) -> dict[str, Any]:
    """Return the estimated memory of TinyConv."""
    size = 4 if precision == "float32" else 1
    return {"weights_flash_bytes": 16_640 * size + 12 * 4, "live_ram_bytes": 5_960 * size}
