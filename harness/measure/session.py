"""All that is measured on a board with one image: first the chain of trust, then what it hears and how fast.

A board with a microphone in the air hears the speaker of the bench, once a chirp has shown that it can. Where
there is none, its stages are timed while it listens to the room, and nothing is said about words.

The measuring writes files and the reading turns them into figures, so that a session can be read again. On a
board whose time is modeled a session is a pure function of image and sound, and a store can keep it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.bench_file import Bench
from harness.boards.board import Board
from harness.errors import AccuracyFailed, BoardNotFound, UploadFailed
from harness.firmware.firmware import Firmware
from harness.measure.listener import INVOCATIONS, Listener
from harness.measure.mcu import Listening, read_listening
from harness.measure.parity import CLIP_SAMPLES, Parity, check_parity
from harness.sound.recordings import Recording
from harness.sound.stimulus import Stimulus
from harness.stats.matching import is_keyword
from models.data.features import micro_features
from models.model_artifact import ModelArtifact
from models.reference import ReferenceModel

PARITY_CLIPS = 200
"""Test clips whose output is compared; as many as there are where there are fewer."""
_TRANSCRIPTS = {"parity": "parity.log", "listening": "listening.log"}
_FACTS, _GOLDEN = "session.json", "golden.npy"
_RETRIES = 2  # of what can fail for the host's USB; a verdict is never retried


@dataclass(frozen=True)
class Session:
    """What was measured with one image.

    Attributes:
        parity: the chain of trust.
        listening: what the board reported while it listened; None for a model that takes no audio.
        stage_us: microseconds by stage, one value for each invocation.
        model_input: what the model was run on for the comparison of devices: uint16 (49, 40) features, or the
            input tensor of a model that takes something else.
        board_output: the board's probabilities on that, (labels,).
        transcripts: the logs by what they are of, those of attempts that failed included.
        retries: what had to be tried again.
        route: how the sound came to the board: "pcm" sample by sample, "acoustic" through the air, "room" if
            nothing was played to it.
        sound_starts_s: when the stimulus began, on the clock of the board's records.
        acoustic: of that route, what the record says of speaker, air and microphone: `VariantRow.acoustic`.
    """

    parity: Parity
    listening: Listening | None
    stage_us: dict[str, list[int]]
    model_input: np.ndarray
    board_output: np.ndarray
    transcripts: dict[str, Path]
    retries: tuple[str, ...]
    route: str = "pcm"
    sound_starts_s: float = 0.0
    acoustic: dict[str, Any] = field(default_factory=dict)


def measure(
    board: Board,
    firmware: Firmware,
    model: ModelArtifact,
    recordings: Sequence[Recording],
    stimulus: Stimulus,
    folder: Path,
    bench: Bench | None = None,
) -> None:
    """Uploads an image, checks it against the oracles, lets it listen, and leaves all that in a folder.

    When the board or its port is gone, all of it is done again, at most twice.

    Args:
        board: will run this image from now on.
        firmware: the image.
        model: the model in it.
        recordings: for the comparison of features.
        stimulus: what is played.
        folder: takes the transcripts and the facts; see `read_session`.
        bench: for a board that hears through the air: the speaker, and what counts as heard.

    Raises:
        EarshotError: by class what went wrong; the transcripts so far are in the folder.
        AccuracyFailed: the board computes something else than the oracles, and is not timed.
        AcousticFailed: the board does not hear the speaker as it should.
        UsageError: the speaker's level would clip the stimulus.
    """
    listener = Listener(board, stimulus, bench or Bench())
    retries: list[str] = []
    while True:
        try:
            _attempt(board, firmware, model, recordings, listener, folder, retries)
            return
        except (UploadFailed, BoardNotFound) as failure:
            if len(retries) == _RETRIES:
                raise
            retries.append(f"Measured again after {failure}")
            for name in _TRANSCRIPTS.values():
                if (path := folder / name).exists():
                    path.rename(folder / f"{path.stem}.failed-{len(retries)}{path.suffix}")


def _attempt(
    board: Board,
    firmware: Firmware,
    model: ModelArtifact,
    recordings: Sequence[Recording],
    listener: Listener,
    folder: Path,
    retries: list[str],
) -> None:
    """All of it once; see `measure`."""
    reference = ReferenceModel(model.tflite)
    board.upload(firmware)
    link = board.open(folder / _TRANSCRIPTS["parity"])
    inputs = _inputs(model, reference, recordings)
    parity = check_parity(link, reference, recordings if reference.takes_micro_features else (), inputs)
    golden = _golden(reference, recordings, inputs)
    link.load(reference.tensor_of(golden).tobytes())
    facts: dict[str, Any] = {
        "parity": asdict(parity),
        "retries": retries,
        "takes_audio": reference.takes_micro_features,
        "board_output": link.infer().results,
    }
    np.save(folder / _GOLDEN, golden)
    if parity.holds and not reference.takes_micro_features:
        facts["inference_us"] = [round(link.infer().lap_us or 0) for _ in range(INVOCATIONS)]
    (folder / _FACTS).write_text(json.dumps(facts, indent=1))
    if not parity.holds:
        raise AccuracyFailed(
            f"the board computes something else than the host: {parity.first_difference}",
            where=f"{model.id}: features equal for {parity.features_equal} of {parity.recordings} clips, "
            f"outputs for {parity.outputs_equal} of {parity.clips}",
            remedy=f"It is not timed before that is mended. Every answer is in {_TRANSCRIPTS['parity']}.",
        )
    if reference.takes_micro_features:
        facts |= listener.listen(board.open(folder / _TRANSCRIPTS["listening"]))
        (folder / _FACTS).write_text(json.dumps(facts, indent=1))


def read_session(folder: Path) -> Session:
    """Reads what `measure` left in a folder.

    Raises:
        UsageError: a transcript is missing or is none.
    """
    facts = json.loads((folder / _FACTS).read_text())
    transcripts = {name: folder / file for name, file in _TRANSCRIPTS.items() if (folder / file).exists()}
    for path in sorted(folder.glob("*.failed-*.log")):
        name, attempt = path.stem.split(".failed-")
        transcripts[f"{name}, failed attempt {attempt}"] = path
    listening = read_listening(transcripts["listening"]) if facts["takes_audio"] else None
    return Session(
        parity=Parity(**facts["parity"]),
        listening=listening,
        stage_us=listening.stage_us() if listening else {"inference": facts["inference_us"]},
        model_input=np.load(folder / _GOLDEN),
        board_output=np.array(facts["board_output"]),
        transcripts=transcripts,
        retries=tuple(facts["retries"]),
        **{name: facts[name] for name in ("route", "sound_starts_s", "acoustic") if name in facts},
    )


def _inputs(model: ModelArtifact, reference: ReferenceModel, recordings: Sequence[Recording]) -> np.ndarray:
    """What the engine is compared on: test clips, else the recordings, else (other inputs) seeded noise."""
    if model.clips is not None:
        return np.load(model.clips)["features"][:PARITY_CLIPS]
    if reference.takes_micro_features:
        return np.stack([micro_features(recording.samples[:CLIP_SAMPLES]) for recording in recordings])
    shape = (PARITY_CLIPS, *reference.input_shape)
    generator = np.random.default_rng(0)
    if reference.input_type == np.int8:
        return generator.integers(-128, 128, shape, np.int8)
    return generator.standard_normal(shape, np.float32)


def _golden(reference: ReferenceModel, recordings: Sequence[Recording], inputs: np.ndarray) -> np.ndarray:
    """The input on which the devices are compared: the first keyword among the recordings."""
    if not reference.takes_micro_features:
        return inputs[0]
    first = next((recording for recording in recordings if is_keyword(recording.label)), recordings[0])
    return micro_features(first.samples[:CLIP_SAMPLES])
