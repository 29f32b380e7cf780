"""What was prepared, built and measured, as the rows of the night record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.audio.stimulus import Stimulus
from harness.firmware.firmware import Firmware
from harness.measure.host import HostTiming
from harness.measure.session import Session
from harness.results.matching import Heard, match
from harness.results.record import Epoch, FirmwareRow, HeardRow, LabelCount, ModelRow, VariantRow

if TYPE_CHECKING:
    from models.model_artefact import ModelArtefact


def variant_row(model: ModelArtefact) -> VariantRow:
    """A model before anything was measured of it on a board."""
    return VariantRow(
        id=model.id,
        title=model.title,
        labels=list(model.labels),
        model=ModelRow(
            tflite_sha256=model.tflite_sha256,
            tflite_bytes=model.tflite_bytes,
            precision=model.precision,
            parameters=model.parameters,
            macs=model.macs,
            operators=dict(model.operators),
            epochs=[Epoch(**epoch) for epoch in model.epochs],
            accuracy={
                split: [LabelCount(**count) for count in counts] for split, counts in model.accuracy.items()
            },
        ),
    )


def with_firmware(row: VariantRow, firmware: Firmware) -> VariantRow:
    """The row with what the image takes."""
    return replace(
        row,
        firmware=FirmwareRow(
            engine=firmware.engine,
            kernels=firmware.kernels,
            optimisation=firmware.optimisation,
            toolchain=firmware.toolchain,
            build_id=firmware.build_id,
            flash_bytes=firmware.flash_bytes,
            ram_bytes=firmware.ram_bytes,
            arena_bytes=firmware.arena_bytes,
        ),
    )


def with_session(row: VariantRow, session: Session, stimulus: Stimulus, notes: Sequence[str]) -> VariantRow:
    """The row with what the board computed, took and heard.

    Args:
        row: with its firmware.
        session: what was measured.
        stimulus: what was played.
        notes: on the recordings.
    """
    parity = session.parity
    row = replace(
        row,
        stage_us=session.stage_us,
        parity={
            "recordings": parity.recordings,
            "features_equal": parity.features_equal,
            "clips": parity.clips,
            "outputs_equal": parity.outputs_equal,
            "max_abs_difference": parity.max_abs_difference,
        },
        notes=[*row.notes, *session.retries, *notes],
    )
    listening = session.listening
    if listening is None:
        return replace(
            row, notes=[*row.notes, "The model takes no micro features: it was run in command mode only."]
        )
    # The board's clock counts from the first sample of the microphone: it is the time of the audio.
    detections = [Heard(event.label, event.score, event.device_ms / 1000) for event in listening.detections]
    matching = match(stimulus.words, detections)
    firmware, boot = row.firmware, listening.boot
    if firmware is not None and boot is not None:
        firmware = replace(firmware, arena_bytes_reported=boot.arena_bytes, icache=boot.icache)
    return replace(
        row,
        firmware=firmware,
        stimuli=matching.rows,
        false_accepts=[HeardRow(heard.label, heard.score, heard.at_s) for heard in matching.false_accepts],
        audio_s=stimulus.duration_s,
        listening_wall_s=listening.wall_s,
        records_lost=listening.records_lost,
        samples_lost=listening.samples_lost,
    )


def with_host(row: VariantRow, timing: HostTiming) -> VariantRow:
    """The row with the host's own times."""
    return replace(row, host=timing.rows, host_operators=timing.operators)
