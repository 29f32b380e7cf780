from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from made_segments import VARIANT, answers, segment, word

from harness.errors import UsageError
from harness.records.field_record import ClipResult, FieldRecord, read_field, write_field
from harness.records.record import BoardRow, Fault
from harness.stats.field.figures import field_figures


@pytest.fixture
def record() -> FieldRecord:
    """With everything in it that a record can have."""
    heard = segment(
        [word("yes", 3.0, answers=answers("yes")), word("no", 8.0)],
        [("yes", 3000, 4200), ("no", 14000, 15500)],
        host_says=[("yes", 3000, 4200), ("no", 8000, 9200)],
        reference_scores=None,
    )
    row = field_figures(VARIANT, [heard])
    row = replace(
        row,
        clips=[ClipResult("a.wav", "yes", "yes", "no", 0.5, board_equals_host=None)],
        faults=[Fault("protocol", "nothing came")],
    )
    board = BoardRow("emulated", "emulated-1", "Emulated", 64_000_000, "modeled cycles", 1 << 20, 1 << 18)
    return FieldRecord(
        run={"id": "1"},
        code={"commit": "abc", "dirty": False},
        environment={"python": "3.11"},
        board=board,
        plan={"seed": 7},
        conditions=[{"name": "quiet", "snr_db": None}],
        excluded=[{"source": "b.wav", "reason": "silent"}],
        notes=["a note"],
        variants=[row],
        threshold=200,
        window_s=1.0,
    )


def test_what_was_written_is_read(record, tmp_path):
    write_field(record, tmp_path / "run" / "field.json")
    assert read_field(tmp_path / "run" / "field.json") == record
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["field.json"]


def test_a_record_of_a_segment_has_all_kinds_of_rows(record):
    (variant,) = record.variants
    assert variant.stimuli and variant.false_accepts and variant.det and variant.replay and variant.front_ends


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("window_s",), "1", "`window_s` should be a number"),
        (
            ("variants", 0, "stimuli", 1, "correct"),
            1,
            "`variants[0].stimuli[1].correct` should be true or false",
        ),
        (("variants", 0, "det", 0, "misses"), 0.5, "`variants[0].det[0].misses` should be a whole number"),
    ],
)
def test_a_field_of_another_type_is_named(record, tmp_path, path, value, sentence):
    data = asdict(record)
    *way, last = path
    inner = data
    for step in way:
        inner = inner[step]
    inner[last] = value
    (tmp_path / "field.json").write_text(json.dumps(data))
    with pytest.raises(UsageError) as failure:
        read_field(tmp_path / "field.json")
    assert sentence in str(failure.value)


def test_another_record_is_told_from_it(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, "run": {}, "board": {}, "variants": []}))
    with pytest.raises(UsageError, match="not a field record"):
        read_field(tmp_path / "run.json")
