"""Summarize a run record for the verdict.

- times and energies: from the blocks of the rounds only. `earshot run` measures none, so its record has exact
  figures only: it can be compared with another run, but only the kinds `IN_HISTORY` form a history. Energies
  are in nJ: the rule's limits in µs, which are those of a clock, are then far below what energies vary by.
- exact figures: sizes, the .tflite, checksums and cycles of the blocks, correct answers on the test set,
  whether the image fits; with a modeled clock also the detections, and without blocks the cycles of the
  profile: it counts the same stages in an image that has heard nothing before. Figures without an input have
  the input mode "-".
- environment: influences on times besides the code: clock, core, compiler, flags, emulator, cycle model,
  libraries. Observations of the bench, such as port or temperature, are left out, and so are the packages of
  the host, whose versions a commit pins.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.errors import DoesNotFit, UsageError
from harness.footprint import FAST
from harness.records.calibration import calibrations_of
from harness.records.record import CANARY, CONFIRMATION, FIRST, LAST, ROUND, BlockRow, RunRecord, VariantRow
from harness.records.verdict import Figure, SeriesName
from harness.regression.canary import CanaryReading
from harness.regression.nights import Night
from harness.regression.series import Block, Measured, measured
from harness.stats.matching import count_false_accepts

RUN, NIGHTLY, A_A = "run", "nightly", "a-a"
IN_HISTORY = frozenset({NIGHTLY, A_A})
"""Kinds of records that form a history."""

_CANARY_SERIES = "inference_us/clip"
WHOLE = "-"
"""Input mode of figures without an input."""
_ON_CLIP = "clip"
_PROFILE = "profile"

_OBSERVATIONS = frozenset(
    {"port", "upload", "labgrid place", "temperature", "supply", "arduino-cli", "cycle model build"}
)
"""Details of a board that do not influence its times. The version of the cycle model changes with its
figures; the hash of its sources does not matter."""


def kind_of(record: RunRecord) -> str:
    """Return the kind of a record: "run", "nightly" or "a-a"."""
    return record.run.get("kind", RUN)


def night_of(record: RunRecord, digest: str = "") -> Night:
    """Summarize a record of any kind.

    `digest` identifies the content; by default it is the checksum of the file that was read.

    Raises:
        UsageError: a field is missing, or a name or the length is malformed.
    """
    try:
        return _summary(record, digest)
    except (KeyError, ValueError) as problem:
        raise UsageError(
            f"the record is incomplete or malformed: {problem}",
            where=f"run {record.run.get('id', 'without an id')}",
            remedy="Leave the record out: it does not tell what was measured.",
        ) from None


def _summary(record: RunRecord, digest: str) -> Night:
    length_s = record.run.get("length_s")
    modeled = record.board.clock != "measured"
    engines = _engines(record)
    return Night(
        id=record.run["id"],
        digest=digest or record.checksum,
        started=record.run["started"],
        ended=record.run["ended"],
        commit=record.code["commit"],
        dirty=record.code["dirty"],
        board=record.run.get("board") or record.board.name,
        uid=record.board.uid,
        environment=_environment(record),
        procedure=record.code["procedure_version"],
        modeled=modeled,
        tick_us=record.board.tick_us,
        times=_times(record.blocks, ROUND),
        exact=_exact(record, engines, modeled),
        canary=_canary(record.blocks),
        length_s=float(length_s) if length_s else None,
        confirmations=_times(record.blocks, CONFIRMATION),
        faults=_faults(record, engines),
        fault=record.fault.message.rstrip(".") if record.fault else "",
        calibrations=calibrations_of(record.variants) if modeled else (),
        judged={item.name: item for item in record.verdict.series} if record.verdict else {},
        kind=record.board.name,
        bench=record.run.get("bench") or record.environment.get("host", ""),
    )


def _engines(record: RunRecord) -> dict[str, str]:
    """Return the engine of each variant; the run's for one that was not built."""
    known = {row.id: row.firmware.engine for row in record.variants if row.firmware}
    for block in record.blocks:
        known.setdefault(block.subject, block.engine)
    common = Counter(known.values()).most_common(1)
    other = record.run.get("engine") or (common[0][0] if common else WHOLE)
    return {row.id: known.get(row.id, other) for row in record.variants}


def _environment(record: RunRecord) -> dict[str, str]:
    board = record.board
    found = {name: text for name, text in board.details.items() if name not in _OBSERVATIONS}
    found["clock"] = f"{board.clock}, {board.clock_hz:,} Hz" if board.clock_hz else board.clock
    firmware = [row.firmware for row in record.variants if row.firmware]
    of_variants = {
        "compiler": (each.toolchain for each in firmware),
        "flags": (each.optimization for each in firmware),
        "footprint": (each.footprint for each in firmware if each.footprint != FAST),
        "libraries": (each.kernels.partition(" of ")[2] for each in firmware),  # "… of <library> <version>"
    }
    for name, texts in of_variants.items():
        if together := ", ".join(sorted(set(filter(None, texts)))):
            found[name] = together
    return found


def _times(blocks: Sequence[BlockRow], phase: str) -> dict[SeriesName, Measured]:
    """Summarize the blocks of a phase by series; a block without samples of a series counts as lost."""
    of_variants: dict[tuple[str, str], list[BlockRow]] = {}
    for block in blocks:
        if block.phase == phase and block.subject != CANARY:
            of_variants.setdefault((block.subject, block.engine), []).append(block)
    return {
        SeriesName.parse(f"{variant}/{engine}/{key}"): _series(own, key)
        for (variant, engine), own in of_variants.items()
        for key in dict.fromkeys(key for block in own for key in (*block.samples_us, *block.samples_nj))
    }


def _series(blocks: Sequence[BlockRow], key: str) -> Measured:
    images = {block.image_sha256 for block in blocks if _samples(block, key)}
    if len(images) > 1:
        problem = f"its blocks ran {len(images)} different images"
        return Measured(None, None, 0, False, blocks[0].image_sha256, problem)
    found = measured(
        [
            Block(
                tuple(_samples(block, key)),
                len(block.samples_nj[key]) if key in block.samples_nj else block.planned,
                block.lost.get(key, 0),
            )
            for block in blocks
        ],
        images.pop() if images else blocks[0].image_sha256,
    )
    fault = next((block.fault for block in blocks if block.fault), "")
    if any(key in block.samples_nj for block in blocks):  # a meter that failed is no fault of its block
        fault = fault or next(filter(None, (block.observations.get("energy", "") for block in blocks)), "")
    if not found.problem or not fault:
        return found
    return replace(found, problem=f"{fault.rstrip('.')}; {found.problem}")


def _samples(block: BlockRow, key: str) -> Sequence[int | float]:
    return block.samples_us.get(key) or block.samples_nj.get(key, [])


def _canary(blocks: Sequence[BlockRow]) -> CanaryReading | None:
    own = [block for block in blocks if block.subject == CANARY]
    if not own:
        return None
    keys = sorted({key for block in own for key in block.samples_us})
    key = _CANARY_SERIES if _CANARY_SERIES in keys or not keys else keys[0]

    def read(phase: str) -> Measured | None:
        of_phase = [block for block in own if block.phase == phase]
        return _series(of_phase, key) if of_phase else None

    return CanaryReading(read(FIRST), read(LAST))


def _exact(record: RunRecord, engines: Mapping[str, str], modeled: bool) -> dict[SeriesName, Figure]:
    found: dict[SeriesName, Figure] = {}
    blocks = _by_subject(record.blocks)
    for row in record.variants:
        figures = {f"{metric}/{WHOLE}": value for metric, value in _artifact(row)}
        own = blocks.get(row.id, [])
        if image := _same(block.image_sha256 for block in own):
            figures[f"image_sha256/{WHOLE}"] = image
        for name in sorted({name for block in own for name in block.checks}):
            key = name if "/" in name else f"{name}/{_ON_CLIP}"
            figures[key] = _same(block.checks.get(name, "") for block in own)
        if modeled and row.stimuli:
            figures[f"detections/{row.route}"] = _detections(row)
        if row.profile and not record.blocks:
            cycles = row.profile.stage_cycles
            figures |= {f"{stage}_cycles/{_PROFILE}": count for stage, count in cycles.items()}
        found |= {
            SeriesName.parse(f"{row.id}/{engines[row.id]}/{figure}"): value
            for figure, value in figures.items()
        }
    return found


def _by_subject(blocks: Iterable[BlockRow]) -> dict[str, list[BlockRow]]:
    found: dict[str, list[BlockRow]] = {}
    for block in blocks:
        found.setdefault(block.subject, []).append(block)
    return found


def _artifact(row: VariantRow) -> Iterable[tuple[str, Figure]]:
    if row.model and row.model.deployable:
        model = row.model
        if model.tflite_bytes is not None:
            yield "tflite_bytes", model.tflite_bytes
        if model.tflite_sha256 is not None:
            yield "tflite_sha256", model.tflite_sha256
        yield "operators", ", ".join(f"{name} {count}" for name, count in sorted(model.operators.items()))
        if "testing" in model.accuracy:
            yield "test_correct", sum(count.correct for count in model.accuracy["testing"])
    if row.firmware:
        yield "flash_bytes", row.firmware.flash_bytes
        yield "ram_bytes", row.firmware.ram_bytes
        yield "arena_bytes", row.firmware.arena_bytes
    if row.firmware or _does_not_fit(row):
        yield "fits", "no" if _does_not_fit(row) else "yes"


def _same(values: Iterable[str | int]) -> str | int:
    """Return the one value of all blocks, all values if they differ, or "" if there is none."""
    found = {value for value in values if value != ""}
    return found.pop() if len(found) == 1 else " | ".join(sorted(map(str, found)))


def _detections(row: VariantRow) -> str:
    """Return counts for people and a checksum over all detections with their times."""
    detections = [
        [[clip.source, clip.detected, clip.score, clip.detected_at_s] for clip in row.stimuli],
        [[false.label, false.score, false.at_s] for false in row.false_accepts],
    ]
    checksum = hashlib.sha256(json.dumps(detections).encode()).hexdigest()[:8]
    correct = sum(clip.correct for clip in row.stimuli)
    false_accepts = count_false_accepts(row)
    return f"{correct} of {len(row.stimuli)} clips correct, {false_accepts} false accepts ({checksum})"


def _does_not_fit(row: VariantRow) -> bool:
    return any(fault.failure == DoesNotFit.failure for fault in row.faults)


def _faults(record: RunRecord, engines: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Collect the fault messages by variant and engine.

    An image that does not fit is a figure, not a fault. Faults of blocks count only if no block of the
    variant was measured.
    """
    found: dict[tuple[str, str], str] = {}
    blocks = _by_subject(record.blocks)
    for row in record.variants:
        messages = [fault.message for fault in row.faults if fault.failure != DoesNotFit.failure]
        rounds = [block for block in blocks.get(row.id, []) if block.phase == ROUND]
        if rounds and not any(block.samples_us for block in rounds):
            messages += [block.fault for block in rounds if block.fault]
        if messages:
            found[row.id, engines[row.id]] = "; ".join(dict.fromkeys(messages))
    return found
