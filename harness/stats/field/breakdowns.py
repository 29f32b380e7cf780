"""Where words are heard: by label, condition and speaker, what is heard instead, and the drop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.records.field_record import FieldStimulus
from harness.records.record import LabelCount, ModelRow
from harness.stats.field.rates import Rate, accuracy, rate
from harness.stats.statistics import difference_interval

NONE = "none"
"""The column of words for which nothing was announced."""
SETS = ("training", "validation", "testing")


@dataclass(frozen=True)
class Group:
    """The words that have something in common.

    Attributes:
        name: what that is.
        rate: heard right.
        confusions: keywords heard as another label, and other words heard as a keyword.
        misses: keywords for which nothing was announced.
        excluded: words that count for nothing.
    """

    name: str
    rate: Rate
    confusions: int
    misses: int
    excluded: int


@dataclass(frozen=True)
class Confusions:
    """How often each label was heard as each.

    Attributes:
        rows: labels that were said.
        columns: labels that were heard, the last one `NONE`.
        counts: by row and column.
    """

    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


@dataclass(frozen=True)
class Drop:
    """A label in the field beside what the model makes of the data set.

    Attributes:
        label: of the model.
        field: in the field.
        known: by the names in `SETS`, those that were measured.
        drop: how much lower the field's rate is, -1 to 1, by the same names, with the 95 % interval of the
            difference: (drop, low, high). Without words of the label in the field there is none.
    """

    label: str
    field: Rate
    known: dict[str, Rate]
    drop: dict[str, tuple[float, float, float]]


def grouped(
    stimuli: Sequence[FieldStimulus], name_of: Callable[[FieldStimulus], str], names: Sequence[str] = ()
) -> list[Group]:
    """The words by what they have in common: first `names` in their order, then others as they come."""
    members: dict[str, list[FieldStimulus]] = {name: [] for name in names}
    for one in stimuli:
        members.setdefault(name_of(one), []).append(one)
    return [_group(name, group) for name, group in members.items()]


def by_label(stimuli: Sequence[FieldStimulus], labels: Sequence[str] = ()) -> list[Group]:
    """By what the model should make of them, in the order of `labels`."""
    return grouped(stimuli, lambda one: one.label, labels)


def by_condition(stimuli: Sequence[FieldStimulus], conditions: Sequence[str] = ()) -> list[Group]:
    """By distance, SNR and whatever else a condition says, in the order of `conditions`."""
    return grouped(stimuli, lambda one: one.condition, conditions)


def by_speaker(stimuli: Sequence[FieldStimulus]) -> list[Group]:
    """By speaker, the worst first; those who are not known are "" and come last."""
    groups = grouped(stimuli, lambda one: one.speaker)
    return sorted(groups, key=lambda group: (not group.name, _value(group), group.name))


def by_word(stimuli: Sequence[FieldStimulus]) -> list[Group]:
    """By what was said, as the words come."""
    return grouped(stimuli, lambda one: one.word)


def confusions(stimuli: Sequence[FieldStimulus], labels: Sequence[str]) -> Confusions:
    """Every label that was said against what was heard, of the words that count.

    Args:
        stimuli: of a variant.
        labels: of its model; others follow as they come.
    """
    counted = [one for one in stimuli if one.counts]
    rows = [
        *(label for label in labels if any(one.label == label for one in counted)),
        *dict.fromkeys(one.label for one in counted if one.label not in labels),
    ]
    others = dict.fromkeys(
        one.detected for one in counted if one.detected is not None and one.detected not in labels
    )
    columns = [*labels, *others, NONE]
    counts = [[0] * len(columns) for _ in rows]
    for one in counted:
        column = len(columns) - 1 if one.detected is None else columns.index(one.detected)
        counts[rows.index(one.label)][column] += 1
    return Confusions(rows, columns, counts)


def drops(stimuli: Sequence[FieldStimulus], labels: Sequence[str], model: ModelRow | None) -> list[Drop]:
    """Each label's accuracy in the field beside that on the data set, and all labels together at the end.

    The last row takes of every set only the labels that were said in the field: another mix of labels would
    look like a drop. Its name is "".

    Args:
        stimuli: of a variant, or of one condition.
        labels: of the model.
        model: whose accuracy by set is known; None if it is not.
    """
    sets = {name: model.accuracy[name] for name in SETS if name in model.accuracy} if model else {}
    said = [label for label in labels if any(one.label == label and one.counts for one in stimuli)]
    rows = []
    for label in [*labels, ""]:
        wanted = [label] if label else said
        field = accuracy(one for one in stimuli if one.label in wanted)
        known = {name: _known(counts, wanted) for name, counts in sets.items()}
        known = {name: one for name, one in known.items() if one.total}
        drop = {name: _drop(one, field) for name, one in known.items() if field.total}
        rows.append(Drop(label, field, known, drop))
    return rows


def _known(counts: Sequence[LabelCount], labels: Sequence[str]) -> Rate:
    of_labels = [one for one in counts if one.label in labels]
    return rate(sum(one.correct for one in of_labels), sum(one.total for one in of_labels))


def _drop(known: Rate, field: Rate) -> tuple[float, float, float]:
    interval = difference_interval((known.correct, known.total), (field.correct, field.total))
    return (known.correct / known.total - field.correct / field.total, *interval)


def _group(name: str, members: Sequence[FieldStimulus]) -> Group:
    counted = [one for one in members if one.counts]
    wrong = [one for one in counted if not one.correct]
    misses = sum(one.detected is None for one in wrong)  # a word that is no keyword is right then
    return Group(name, accuracy(members), len(wrong) - misses, misses, len(members) - len(counted))


def _value(group: Group) -> float:
    return 2.0 if group.rate.value is None else group.rate.value
