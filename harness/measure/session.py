"""Session: everything measured on a board with one image, first conformance, then timing and listening.

A board with a microphone in the air hears the bench's speaker, once a chirp has shown that it can. Without a
speaker its stages are timed while it listens to the room, and no words are reported.

`measure` writes files and `read_session` turns them into figures, so that a session can be read again. On a
board with a modeled clock a session is a pure function of image and sound, and the store can keep it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.errors import AccuracyFailed
from harness.firmware.firmware import Firmware
from harness.measure.conformance import CLIP_SAMPLES, check_conformance, output_difference
from harness.measure.listener import INVOCATIONS, Listener
from harness.measure.listening_log import ListeningLog, read_listening
from harness.measure.retry import Retries
from harness.records.record import AcousticRow, ParityRow
from harness.sound.recordings import Recording
from harness.sound.stimulus import Stimulus
from harness.stats.matching import is_keyword
from models.model_artifact import ModelArtifact
from models.reference import ReferenceModel

CONFORMANCE_CLIPS = 200
"""Test clips whose output is compared; fewer where fewer exist."""
_TRANSCRIPTS = {"conformance": "conformance.log", "listening": "listening.log"}
_FACTS, _GOLDEN = "session.json", "golden.npy"


@dataclass(frozen=True)
class Session:
    """Measurements with one image.

    Attributes:
        listening: the board's report while it listened; None for a model that takes no audio.
        stage_us: microseconds by stage, one value per invocation that the board timed; {} if it timed none.
        model_input: input of the comparison of devices: uint16 (49, channels) features, or the input tensor
            of a model that takes no features.
        board_output: the board's probabilities for it, (labels,).
        transcripts: logs by name, those of failed attempts included.
        route: of the sound to the board: "pcm" sample by sample, "acoustic" through the air, "room" if
            nothing was played.
        sound_starts_s: start of the stimulus on the clock of the board's records.
        acoustic: of the route "acoustic".
    """

    parity: ParityRow
    listening: ListeningLog | None
    stage_us: dict[str, list[int | float]]
    model_input: np.ndarray
    board_output: np.ndarray
    transcripts: dict[str, Path]
    retries: tuple[str, ...]
    route: str = "pcm"
    sound_starts_s: float = 0.0
    acoustic: AcousticRow | None = None


def measure(
    board: Board,
    firmware: Firmware,
    model: ModelArtifact,
    recordings: Sequence[Recording],
    stimulus: Stimulus,
    folder: Path,
    bench: Bench | None = None,
) -> None:
    """Upload an image, check it against the oracles, let it listen, and leave the results in a folder.

    Args:
        recordings: for the comparison of features.
        folder: receives transcripts and facts; see `read_session`.
        bench: speaker and thresholds, for a board that hears through the air.

    Raises:
        EarshotError: by class of failure; the transcripts so far are in the folder.
        AccuracyFailed: the board's results differ from the oracles'; it is not timed.
        AcousticFailed: the board does not hear the speaker as it should.
        UsageError: the speaker's level would clip the stimulus.
    """
    listener, retries = Listener(board, stimulus, bench or Bench()), Retries(board.recover)

    def attempt() -> None:
        _measure_once(board, firmware, model, recordings, listener, folder, retries.notes)

    retries.run("measurement", attempt, [folder / name for name in _TRANSCRIPTS.values()])


def _measure_once(
    board: Board,
    firmware: Firmware,
    model: ModelArtifact,
    recordings: Sequence[Recording],
    listener: Listener,
    folder: Path,
    retry_notes: list[str],
) -> None:
    """Upload, check conformance, then time the board: while it listens, or per clip if it takes no audio.

    The facts are written before a failed check raises, so that the folder shows why.
    """
    reference = ReferenceModel(model.tflite, model.front_end)
    board.upload(firmware)
    link = board.open(folder / _TRANSCRIPTS["conformance"])
    inputs = inputs_of(model, reference, recordings)
    heard = recordings if reference.hears else ()
    parity, first_difference = check_conformance(link, reference, heard, inputs)
    golden = golden_input(reference, recordings, inputs)
    tensor = reference.tensor_of(golden)
    link.load(tensor.tobytes())
    output = link.infer().results
    output_difference(reference, tensor, output)  # refuses what is no output of the model
    facts: dict[str, Any] = {
        "parity": asdict(parity),
        "retries": retry_notes,
        "takes_audio": reference.hears,
        "labels": len(model.labels),
        "board_output": output,
    }
    np.save(folder / _GOLDEN, golden)
    if parity.holds and not reference.hears:
        answers = [link.infer().lap_us for _ in range(INVOCATIONS)]
        facts["inference_us"] = [round(lap_us) for lap_us in answers if lap_us is not None]
    (folder / _FACTS).write_text(json.dumps(facts, indent=1))
    if not parity.holds:
        raise AccuracyFailed(
            f"the board's results differ from the host's: {first_difference}",
            where=f"{model.id}: features equal for {parity.features_equal} of {parity.recordings} clips, "
            f"outputs for {parity.outputs_equal} of {parity.clips}",
            remedy=f"Compare the answers in {_TRANSCRIPTS['conformance']}. They must agree before timing.",
        )
    if reference.hears:
        facts |= listener.listen(board.open(folder / _TRANSCRIPTS["listening"]))
        (folder / _FACTS).write_text(json.dumps(facts, indent=1))


def read_session(folder: Path) -> Session:
    """Read the results of `measure`.

    Raises:
        UsageError: a transcript is missing or is none.
    """
    facts = json.loads((folder / _FACTS).read_text())
    transcripts = {name: folder / file for name, file in _TRANSCRIPTS.items() if (folder / file).exists()}
    for path in sorted(folder.glob("*.failed-*.log")):
        name, attempt = path.stem.split(".failed-")
        transcripts[f"{name}, failed attempt {attempt}"] = path
    listening = read_listening(transcripts["listening"], facts["labels"]) if facts["takes_audio"] else None
    if listening:
        stage_us = {stage: times.tolist() for stage, times in listening.stage_us.items()}
    else:
        stage_us = {"inference": times} if (times := facts["inference_us"]) else {}
    return Session(
        parity=ParityRow(**facts["parity"]),
        listening=listening,
        stage_us=stage_us,
        model_input=np.load(folder / _GOLDEN),
        board_output=np.array(facts["board_output"]),
        transcripts=transcripts,
        retries=tuple(facts["retries"]),
        acoustic=msgspec.convert(facts.get("acoustic"), AcousticRow | None),
        **{name: facts[name] for name in ("route", "sound_starts_s") if name in facts},
    )


def inputs_of(model: ModelArtifact, reference: ReferenceModel, recordings: Sequence[Recording]) -> np.ndarray:
    """Return the engine's inputs: test clips, else the recordings, else (for a deaf model) seeded noise."""
    if model.clips is not None:
        return np.load(model.clips)["features"][:CONFORMANCE_CLIPS]
    if reference.hears:
        return np.stack([_features(reference, recording) for recording in recordings])
    return noise_inputs(reference, CONFORMANCE_CLIPS)


def noise_inputs(reference: ReferenceModel, count: int) -> np.ndarray:
    """Return noise of a fixed seed as inputs of a model, (count, ...)."""
    generator, shape = np.random.default_rng(0), (count, *reference.input_shape)
    if reference.input_type == np.int8:
        return generator.integers(-128, 128, shape, np.int8)
    return generator.standard_normal(shape, np.float32)


def first_keyword(recordings: Sequence[Recording]) -> Recording:
    """Return the first recording of a keyword, else the first one."""
    return next((recording for recording in recordings if is_keyword(recording.label)), recordings[0])


def golden_input(
    reference: ReferenceModel, recordings: Sequence[Recording], inputs: np.ndarray
) -> np.ndarray:
    """Return the input on which devices are compared: the first keyword's, else the first of `inputs`."""
    if not reference.hears:
        return inputs[0]
    return _features(reference, first_keyword(recordings))


def compared_input(model: ModelArtifact, recordings: Sequence[Recording]) -> np.ndarray:
    """Return `golden_input` of a model."""
    reference = ReferenceModel(model.tflite, model.front_end)
    return golden_input(reference, recordings, inputs_of(model, reference, recordings))


def _features(reference: ReferenceModel, recording: Recording) -> np.ndarray:
    return reference.front_end.features(recording.samples[:CLIP_SAMPLES])
