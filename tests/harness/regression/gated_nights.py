"""Nights of the emulated board with made-up figures: test data, not a measurement."""

from __future__ import annotations

from dataclasses import replace

from harness.records.verdict import SeriesName
from harness.regression.nights import Night
from harness.regression.series import Block, Measured, measured

INFERENCE = SeriesName("tinyconv-int8", "codegen", "inference_us", "clip")
HEARD = SeriesName("tinyconv-int8", "codegen", "inference_us", "pcm")
FLASH = SeriesName("tinyconv-int8", "codegen", "flash_bytes", "-")
CRC = SeriesName("tinyconv-int8", "codegen", "features_crc", "clip")
HASH = SeriesName("tinyconv-int8", "codegen", "image_sha256", "-")
SAMPLES = tuple(11_033.0 + index % 2 for index in range(50))


def blocks(*samples: tuple[float, ...], image: str = "a") -> Measured:
    return measured([Block(values, 50) for values in samples], image)


def night(commit: str, **changes) -> Night:
    """One whose figures depend on nothing."""
    made = Night(
        id=f"night-{commit[0]}",
        digest=commit[0],
        started="2026-11-20T01:00:00Z",
        ended="2026-11-20T02:00:00Z",
        commit=commit,
        dirty=False,
        board="emulated",
        uid="emulated-cycles1",
        environment={"compiler": "12.2.1"},
        procedure=1,
        modeled=True,
        times={INFERENCE: blocks(SAMPLES, SAMPLES, SAMPLES), HEARD: blocks(SAMPLES)},
        exact={FLASH: 36_576, CRC: "0badcafe", HASH: commit},
    )
    return replace(made, **changes)


BASE, HEAD = night("b" * 40), night("e" * 40)


def with_times(made: Night, **times: Measured) -> Night:
    """The night with other times, by "inference" and "heard"."""
    names = {"inference": INFERENCE, "heard": HEARD}
    return replace(made, times={**made.times, **{names[name]: value for name, value in times.items()}})
