"""Which clips one night heard right and another did not. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.record import RunRecord, VariantRow


@dataclass(frozen=True)
class ClipChange:
    """What a variant hears of the same clips, in a first and in a second night.

    Attributes:
        variant: its id.
        engine: what ran it.
        lost: clips that only the first had right, in the order in which they were played.
        gained: clips that only the second had right, likewise.
    """

    variant: str
    engine: str
    lost: tuple[str, ...]
    gained: tuple[str, ...]


def clip_changes(base: RunRecord, head: RunRecord) -> list[ClipChange]:
    """The variants of both nights that were given the same clips, with those they lost and gained.

    Variants that hear all clips as before are left out, and those that were not given the same ones.

    Args:
        base: the first night.
        head: the second.
    """
    before = {(row.id, _engine(row)): row for row in base.variants}
    found = []
    for row in head.variants:
        then = before.get((row.id, _engine(row)))
        if then is None or [clip.source for clip in then.stimuli] != [clip.source for clip in row.stimuli]:
            continue
        pairs = list(zip(then.stimuli, row.stimuli, strict=True))
        lost = tuple(one.source for one, two in pairs if one.correct and not two.correct)
        gained = tuple(one.source for one, two in pairs if two.correct and not one.correct)
        if lost or gained:
            found.append(ClipChange(row.id, _engine(row), lost, gained))
    return found


def _engine(row: VariantRow) -> str:
    return row.firmware.engine if row.firmware else ""
