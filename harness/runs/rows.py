"""Rows of the run record, from models, images and measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, TypeVar

import msgspec

from harness.firmware.firmware import Firmware
from harness.link.events import Detection, label_of_name
from harness.measure.listener import INVOCATIONS
from harness.measure.session import Session
from harness.records.calibration import Calibration
from harness.records.record import (
    BoardRow,
    DetectionRow,
    Fault,
    FirmwareRow,
    MeasuredVariant,
    ModelRow,
    VariantRow,
)
from harness.sound.stimulus import Stimulus
from harness.stats.matching import TOLERANCE_S, is_keyword, match
from models.data.front_ends import front_end_names, load_front_end
from models.errors import UserFacingError

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

Row = TypeVar("Row", bound=MeasuredVariant)

_NO_SPEAKER = (
    "The bench has no speaker: the stages were timed while the board listened to the room, and no words were "
    "played. Add [speaker] to the bench file."
)


def variant_row(model: ModelArtifact) -> VariantRow:
    """Return the row of a prepared model without measurements."""
    row = msgspec.convert(model, ModelRow, from_attributes=True)
    return VariantRow(id=model.id, title=model.title, labels=list(model.labels), model=row)


def refused_row(identity: str, failure: UserFacingError) -> VariantRow:
    """Return the row of a variant that could not be prepared."""
    return VariantRow(id=identity, title=identity, labels=[], faults=[Fault(failure.failure, str(failure))])


def with_firmware(
    row: Row, firmware: Firmware, board: BoardRow, calibrations: Sequence[Calibration] = ()
) -> Row:
    """Add the image, with the errors of its modeled times on a board that models them."""
    found: FirmwareRow = msgspec.convert(firmware, FirmwareRow, from_attributes=True)
    if board.clock != "measured":
        errors = [calibration.row(row.id, found, board) for calibration in calibrations]
        found = replace(found, calibration=errors)
    return replace(row, firmware=found)


def with_session(
    row: VariantRow, session: Session, stimulus: Stimulus, notes: Sequence[str], window_s: float = TOLERANCE_S
) -> VariantRow:
    """Return the row, which has its firmware, with the results of a session on the board.

    Args:
        notes: remarks on the recordings, added to the row's notes.
        window_s: seconds after the end of a word in which a detection still counts for it.
    """
    row = replace(
        row,
        stage_us=session.stage_us,
        parity=session.parity,
        notes=[*row.notes, *session.retries, *notes],
        route=session.route,
        acoustic=session.acoustic and replace(session.acoustic, detection_window_s=window_s),
    )
    listening = session.listening
    if listening is None:
        notes = [*row.notes, "The model does not take the front end's features: it ran in command mode only."]
        if untimed := INVOCATIONS - len(session.stage_us.get("inference", ())):
            notes.append(f"The board gave no time for {untimed} of {INVOCATIONS} inferences.")
        return replace(row, notes=notes)
    firmware, boot = row.firmware, listening.boot
    if firmware is not None and boot is not None:
        firmware = replace(firmware, arena_bytes_reported=boot.arena_bytes, icache=boot.icache)
    row = replace(
        row,
        firmware=firmware,
        listening_wall_s=listening.wall_s,
        records_lost=listening.records_lost,
        samples_lost=listening.samples_lost,
    )
    if session.route == "room":
        return replace(row, notes=[*row.notes, _NO_SPEAKER])
    return _with_words(row, session.sound_starts_s, listening.detections, stimulus, window_s)


def misfit(model: ModelArtifact) -> str:
    """Return why a deployable model cannot listen; "" if it takes the features of its front end."""
    assert model.input is not None
    size, own = prod(model.input["shape"]), load_front_end(model.front_end)
    if size == own.size:
        return ""
    fitting = [name for name in front_end_names() if load_front_end(name).size == size]
    slices, channels = own.shape
    return (
        f"the model does not take the features of the front end {own.name} ({slices} x {channels}) and "
        f"cannot listen; its {size} inputs fit {' or '.join(fitting) or 'no front end'}"
    )


def detection_rows(
    detections: Iterable[Detection], labels: Sequence[str], sound_starts_s: float
) -> list[DetectionRow]:
    """Return a board's detections with the model's labels, in seconds since the beginning of the sound.

    The board's clock counts from the first sample of its microphone. A stimulus sent sample by sample begins
    there, one through the air where the chirp before it says.
    """
    return [
        DetectionRow(label_of_name(one.label, labels), one.score, one.device_ms / 1000 - sound_starts_s)
        for one in detections
    ]


def _with_words(
    row: VariantRow,
    sound_starts_s: float,
    detections: Sequence[Detection],
    stimulus: Stimulus,
    window_s: float,
) -> VariantRow:
    in_audio_time = detection_rows(detections, row.labels, sound_starts_s)
    matching = match(stimulus.words, [one for one in in_audio_time if one.at_s >= 0], window_s)
    row = replace(
        row, stimuli=matching.rows, false_accepts=matching.false_accepts, audio_s=stimulus.duration_s
    )
    if before := sum(one.at_s < 0 and is_keyword(one.label) for one in in_audio_time):
        note = f"Keywords detected before the stimulus began, not counted: {before}."
        row = replace(row, notes=[*row.notes, note])
    return row
