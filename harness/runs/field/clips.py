"""Classification of a plan's recordings as single clips in command mode, on the board and on the host."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from harness.boards.board import Board
from harness.errors import AccuracyFailed
from harness.files import write_atomic
from harness.firmware.firmware import Firmware
from harness.measure import clip_mode
from harness.measure.clip_mode import Clip, classify, second_around, second_at
from harness.measure.retry import Retries
from harness.records.field_record import ClipResult
from harness.runs.field.paths import FieldPaths
from harness.sound import sound_files
from harness.sound.playback_plan import PlannedWord, PlaybackPlan
from harness.sound.recordings import label_of
from models import progress
from models.reference import ReferenceModel
from models.store import Store

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

MOST_CLIPS = 200
"""Recordings classified as clips; a plan is shuffled, so its first ones are a random choice."""

_LOG, _RESULTS = "clips.log", "clips.json"


def classify_clips(
    board: Board,
    firmware: Firmware,
    model: ModelArtifact,
    plan: PlaybackPlan,
    paths: FieldPaths,
    store: Store,
    retries: Retries,
) -> tuple[list[ClipResult], int]:
    """Classify the plan's recordings on the board, or read the stored answers of the same image.

    Returns:
        The answers in the order of the plan, each recording once, and how many recordings are beyond
        `MOST_CLIPS`.

    Raises:
        AccuracyFailed: the board's answers differ from the host's.
        EarshotError: see `harness.link.dut.DeviceUnderTest`.
    """
    variant, labels, tflite = model.id, model.labels, model.tflite
    words = list({word.source: word for segment in plan.segments for word in segment.words}.values())
    clips = [_clip(plan, word, labels) for word in words[:MOST_CLIPS]]
    log = paths.clips(variant)
    log.parent.mkdir(parents=True, exist_ok=True)
    title = "classify clips"

    def make(scratch: Path) -> None:
        def attempt() -> tuple[list[ClipResult], str]:
            board.upload(firmware)
            reference = ReferenceModel(tflite, model.front_end)
            return classify(board.open(scratch / _LOG), reference, labels, progress.each(clips, "clips"))

        found, difference = retries.run("clips", attempt, [scratch / _LOG])
        results = {"results": [asdict(result) for result in found], "first_difference": difference}
        write_atomic(json.dumps({"build_id": firmware.build_id, **results}, indent=1), scratch / _RESULTS)

    if board.describe().clock == "measured":
        kept = read_clips(log)
        if kept is None or kept["build_id"] != firmware.build_id:
            log.unlink(missing_ok=True)
            with progress.task(title):
                make(log.parent)
    elif clips:
        inputs = {
            "image": firmware.image,
            "board": board.describe(),
            "tflite": tflite,
            "front end": model.front_end,
            "labels": labels,
            "clips": [
                (clip.source, clip.word, clip.label, hashlib.sha256(clip.samples.tobytes()).hexdigest())
                for clip in clips
            ],
        }
        found = store.build("field-clips", inputs, make, (clip_mode,), title)
        for name in (_LOG, _RESULTS):
            shutil.copyfile(found / name, log.with_name(name))
    kept = read_clips(log) or {"results": [], "first_difference": ""}
    results = [ClipResult(**item) for item in kept["results"]]
    if kept["first_difference"]:
        raise AccuracyFailed(
            f"the board's answers differ from the host's: {kept['first_difference']}",
            where=f"{variant}: {sum(bool(each.board_equals_host) for each in results)} of {len(results)} "
            f"clips are equal",
            remedy=f"Compare the answers in {log}: nothing is played to the board before they agree.",
        )
    return results, len(words) - len(clips)


def read_clips(log: Path) -> dict | None:
    """Read the results beside a transcript of clips; None if it is not complete."""
    path = log.with_name(_RESULTS)
    return json.loads(path.read_text()) if path.exists() else None


def _clip(plan: PlaybackPlan, word: PlannedWord, labels: Sequence[str]) -> Clip:
    samples = sound_files.recording(plan.folder / word.source, word.sha256)
    begin = second_around(word.onset_sample - word.start_sample, word.end_sample - word.start_sample)
    return Clip(word.source, word.word, label_of(word.word, labels), second_at(samples, begin))
