from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from html_page import HOSTILE, Page, plain
from samples import acoustic, command_mode, failed, sample_field, slow, variant_of, with_clips

from harness.errors import UsageError
from harness.recognizer import Recognizer
from harness.records.checksum import dump_with_checksum
from harness.records.field_record import (
    Condition,
    FieldRecord,
    FieldVariant,
    TuningRow,
    read_field,
    write_field,
)
from harness.records.record import FirmwareRow
from harness.report.pages.field import MOST_ROWS, render_field
from harness.report.pages.field_tables import LIMITS, field_tables, thresholds_table
from harness.report.pages.field_verdict import summary_text

CLIPS = 12


def everything() -> FieldRecord:
    record = sample_field()
    return replace(record, variants=[*record.variants, acoustic(), command_mode()])


def only(*variants: FieldVariant) -> FieldRecord:
    return replace(sample_field(), variants=list(variants), excluded=[], notes=[])


def perfect() -> FieldVariant:
    """Return a variant that is right on every word, without false accepts."""
    variant = variant_of("tinyconv-int8", "TinyConv, int8", 0.0, seed=1)
    stimuli = []
    for row in variant.stimuli:
        detected = row.label if row.label != "unknown" else None
        row = replace(row, detected=detected, correct=True, excluded="", cause="")
        stimuli.append(replace(row, delay_s=0.1 if detected else None))
    return replace(variant, stimuli=stimuli, false_accepts=[], notes=[])


def source(record: FieldRecord, folder: Path) -> str:
    return plain(render_field(record, folder).read_text(encoding="utf-8"))


def text(record: FieldRecord, folder: Path) -> str:
    return Page(source(record, folder)).text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("field")
    render_field(with_clips(everything(), made, CLIPS), made)
    return made


@pytest.fixture(scope="module")
def page(folder):
    return Page(plain((folder / "field.html").read_text(encoding="utf-8")))


def csv(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values=[""])


# The page as a whole


def test_everything_that_is_linked_exists_and_nothing_is_loaded_from_elsewhere(page, folder):
    assert max(page.ids.values()) == 1 and not page.open
    for tag, attributes in page.elements:
        link = attributes.get("href") or attributes.get("src") or ""
        if link.startswith("#"):
            assert link[1:] in page.ids or re.search(r"^#[\w-]+-\w+", link)
        elif link and not link.startswith("data:image/png;base64,") and not link.endswith(".log"):
            assert (folder / link).is_file(), (tag, link)
    assert "script" not in page.tags


def test_foreign_text_is_escaped(tmp_path):
    record = only(replace(perfect(), title=HOSTILE, notes=[HOSTILE]))
    found = Page(source(replace(record, excluded=[{"source": HOSTILE, "reason": HOSTILE}]), tmp_path))
    assert HOSTILE in found.text
    assert "img" not in found.tags


def test_every_table_is_a_csv_of_its_raw_values(folder):
    for name, table in field_tables(with_clips(everything(), folder, CLIPS)).items():
        if len(table.frame):
            kept = csv(folder, name)
            assert list(kept.columns) == list(table.frame.columns), name
            assert len(kept) == len(table.frame), name


def test_long_tables_are_in_their_csv_only(tmp_path):
    variant = variant_of("tinyconv-int8", "TinyConv, int8", 0.3, seed=1)
    many = [replace(row, segment=row.segment + 10 * turn) for turn in range(20) for row in variant.stimuli]
    found = Page(source(only(replace(variant, stimuli=many, false_accepts=[])), tmp_path))
    assert len(many) > MOST_ROWS
    assert f"Word by word ({len(many):,} rows)" in found.text
    assert "table-pcm-words" not in found.ids
    assert len(csv(tmp_path, "pcm-words")) == len(many)
    assert (tmp_path / "field.html").stat().st_size < 3_000_000


def test_a_record_is_read_as_it_was_written(tmp_path):
    write_field(everything(), tmp_path / "field.json")
    assert read_field(tmp_path / "field.json") == everything()
    (tmp_path / "run.json").write_text('{"schema": 1, "run": {}, "board": {}, "variants": []}')
    with pytest.raises(UsageError, match="field record"):
        read_field(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("conditions", 0, "snr_db"), "loud", "conditions[0].snr_db"),
        (("conditions", 0, "room_m"), [5.0], "conditions[0].room_m"),
        (("variants", 0, "reference"), {"equal": 1.5}, "variants[0].reference.equal"),
        (("variants", 0, "segments", 0, "acoustic"), {"chirp": 1}, "segments[0].acoustic.chirp"),
        (("excluded", 0, "reason"), 4, "excluded[0].reason"),
    ],
)
def test_a_wrong_field_of_a_record_is_named(tmp_path, place, value, message):
    write_field(sample_field(), tmp_path / "field.json")
    data = within = json.loads((tmp_path / "field.json").read_text())
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    (tmp_path / "field.json").write_text(dump_with_checksum(data))
    with pytest.raises(UsageError) as refusal:
        read_field(tmp_path / "field.json")
    assert message in str(refusal.value)


# The verdict


def test_the_verdict_has_the_interval_and_the_drop():
    lines = plain(summary_text(sample_field()))
    assert lines.startswith("TinyConv, int8 detects 58 of 71 keywords: 81.7 % (95 % interval 71.2 to 89.0 %)")
    assert re.search(r"points below the [\d.]+ % on the test set", plain(" ".join(lines.split())))
    assert "does-not-fit" in lines
    tested = replace(sample_field(), run={**sample_field().run, "test set": "people"})
    assert "% on the test set of people." in " ".join(plain(summary_text(tested)).split())


def test_a_condition_without_room_and_noise_has_dashes_for_both():
    quiet = replace(sample_field(), conditions=[Condition("as recorded"), Condition("2 m", distance_m=2.0)])
    _, cells = field_tables(quiet)["plan"].shown()
    assert [[cell.text for cell in row][3:6:2] for row in cells] == [["–", "–"], ["5 × 4 × 2.7", "–"]]


def test_a_run_without_a_keyword_says_so():
    variant = perfect()
    others = [row for row in variant.stimuli if row.label in ("unknown", "silence")]
    lines = plain(summary_text(only(replace(variant, stimuli=others))))
    assert lines.startswith("TinyConv, int8: no keyword was counted.\n  No false accepts in 12.1 min")


def test_words_missed_for_lack_of_speed_are_counted(page):
    late = sum(row.cause == "latency" for row in slow().stimuli)
    assert (
        f"TinyConv, float32 misses {late} words only because it is too slow: it made an inference every "
        "140 ms and lost 32.0 ms of audio; with one every 20.0 ms it would detect them."
    ) in page.text


def test_a_perfect_variant(tmp_path):
    found = text(only(perfect()), tmp_path)
    assert f"No false accepts in 12.1 min without words (95 % upper bound: {3 / (726 / 3600):.1f}" in found
    for sentence in (
        "No variant misses a word because it is too slow.",
        "Every recording was played, and every word counts.",
        "Every variant was right on every word.",
    ):
        assert sentence in found


def test_results_at_another_threshold_are_marked_as_recomputed(tmp_path):
    sentence = "threshold is 150, recomputed from the logged scores; the board's is 225."
    assert sentence in text(replace(only(perfect()), threshold=150), tmp_path)
    assert "recomputed from the logged scores; the board's" not in text(only(perfect()), tmp_path)


def test_failed_and_interrupted_runs_say_so():
    assert summary_text(only(failed())).startswith("No variant was measured on Emulated Cortex-M4F")
    record = only(perfect())
    cut = replace(record, run={name: value for name, value in record.run.items() if name != "ended"})
    assert "The run was interrupted" in summary_text(cut)


def test_an_interrupted_run_says_what_was_not_played(tmp_path):
    clips = replace(command_mode(), route="pcm")
    record = only(clips)
    found = text(replace(record, run=record.run | {"ended": ""}), tmp_path)
    assert "No variant listened to a stream of words; TinyConv, int8 classified 2 of 3 single clips" in found
    assert "Not played to TinyConv, int8: 90 of 90 words." in found
    for wrong in ("Every recording was played", "No variant was measured", "recognizer's threshold"):
        assert wrong not in found
    part = replace(perfect(), stimuli=perfect().stimuli[:30])
    assert "Not played to TinyConv, int8: 60 of 90 words." in text(only(part), tmp_path)


def test_words_that_all_do_not_count_are_not_called_right(tmp_path):
    lost = [replace(row, excluded="lost records") for row in perfect().stimuli]
    found = text(only(replace(perfect(), stimuli=lost, det=[])), tmp_path)
    assert "No word counts." in found and "right on every word" not in found


# Tables and plots


def test_everything_that_is_not_counted_or_lost_is_listed(page, folder):
    for words in ("no/cut.wav", "too short: 0.12 s", "yes/loud.wav: 312 samples clipped"):
        assert words in page.text
    assert "2 records lost within its window" in set(csv(folder, "not-counted")["reason"])
    segments = csv(folder, "pcm-segments").set_index(["variant", "number"]).loc["TinyConv, float32"]
    assert segments.loc[1, "samples_lost"] == 512 and segments.loc[1, "note"] == "the board lost audio twice"
    assert segments.loc[2, "records_lost"] == 3
    assert not segments.loc[3, "complete"] and segments.loc[3, "clipped_samples"] == 44


def test_a_label_stands_beside_the_three_parts_of_the_data_set(folder):
    row = csv(folder, "pcm-labels").set_index(["variant", "group"]).loc[("TinyConv, int8", "yes")]
    assert row["correct"] / row["total"] == pytest.approx(row["accuracy"])
    assert row["testing_accuracy"] - row["accuracy"] == pytest.approx(row["drop"])
    assert row["training_accuracy"] == pytest.approx(0.96, abs=0.04)
    assert row["drop_low"] < row["drop"] < row["drop_high"]


def test_without_a_data_set_no_caption_speaks_of_it():
    variant = perfect()
    tables = field_tables(only(replace(variant, model=replace(variant.model, accuracy={}))))
    for name in ("pcm-overview", "pcm-labels"):
        assert (
            "test set" not in tables[name].note and "data set" not in tables[name].note + tables[name].title
        )
    assert "the drop is from the test set. Intervals" in field_tables(only(variant))["pcm-overview"].note


def test_margins_add_up_the_conditions(folder):
    conditions, by_snr = csv(folder, "pcm-conditions"), csv(folder, "pcm-by-snr")
    assert len(conditions) == 2 * 9 and len(by_snr) == len(csv(folder, "pcm-by-distance")) == 2 * 3
    own = conditions[(conditions["variant"] == "TinyConv, int8") & conditions["group"].str.endswith(" 10 dB")]
    row = by_snr[by_snr["variant"] == "TinyConv, int8"].set_index("group").loc["10\u00a0dB"]
    assert (row["correct"], row["total"]) == (own["correct"].sum(), own["total"].sum())


def test_the_used_threshold_stands_beside_those_within_each_limit(folder, page):
    rows = csv(folder, "pcm-thresholds")
    assert list(rows["limit"])[:4] == ["threshold used", *LIMITS]
    assert rows["threshold"].iloc[0] == 225
    assert "Circle: the thresholds that were used." in page.text


def test_thresholds_by_label_are_no_missing_one():
    variant = perfect()
    recognizer = replace(variant.recognizer, thresholds={"yes": 215})
    firmware = FirmwareRow("codegen", "reference", "-O2", "gcc", "cafe", 1, 1, 1, recognizer=recognizer)
    tuned = replace(variant, firmware=firmware)
    first = thresholds_table([tuned], None).rows[0]
    assert (first["limit"], first["threshold"]) == ("thresholds by label, as used", None)


def test_causes_add_up_to_the_missed_keywords(folder):
    for _, rows in csv(folder, "pcm-causes").groupby("variant"):
        assert rows["words"].sum() == rows["missed"].iloc[0]
        assert rows["share"].sum() == pytest.approx(1)


# Missed words


def test_missed_words_have_sound_picture_score_and_cause(page):
    assert page.tags.count("audio") == page.tags.count("img") >= CLIPS
    assert re.search(r"✗ missed: TinyConv, int8 \(highest score \d+, cause: [a-z ]+\)", page.text)


def test_the_page_names_the_front_end_of_every_variant(tmp_path):
    mfcc = variant_of("kws", "Reference", 0.0, seed=4)
    mfcc = replace(mfcc, model=replace(mfcc.model, front_end="mfcc"))
    micro = variant_of("tinyconv-int8", "TinyConv, int8", 0.0, seed=1)
    assert "Front end: micro." in text(only(micro), tmp_path)
    assert "Front end: micro (TinyConv, int8), mfcc (Reference)." in text(only(micro, mfcc), tmp_path)
    rows = field_tables(only(micro, mfcc))["pcm-recognizer"].rows
    assert [row["front_end"] for row in rows] == ["micro", "mfcc"]


def test_the_page_says_what_tuning_would_bring_or_why_nobody_knows(tmp_path):
    gained = variant_of("tinyconv-int8", "TinyConv, int8", 0.0, seed=1)
    assert gained.tuning is not None
    unclear = replace(gained, id="b", tuning=replace(gained.tuning, gain=(0.02, -0.1, 0.12)))
    alone = replace(gained, id="c", tuning=TuningRow(gained.tuning.recognizer, reason="only one speaker"))
    lost = Recognizer(thresholds={"yes": 255, "no": 240})
    deaf = replace(unclear, id="d", tuning=replace(unclear.tuning, recognizer=lost))
    rows = field_tables(only(gained, unclear, alone, deaf))["pcm-tuning"].rows
    assert (rows[0]["present_detected"], rows[0]["tuned_detected"], rows[0]["reason"]) == (34, 44, "")
    assert rows[1]["reason"] == "not distinguishable from no gain"
    assert rows[2]["reason"] == "only one speaker" and "gain" not in rows[2]
    assert rows[3]["reason"] == (
        "not distinguishable from no gain; never detects yes: “earshot tune” says why"
    )
    page = text(only(gained, unclear, alone), tmp_path)
    assert "What tuning would bring" in page and "the mean of 300 ms with thresholds of 220" in page
    assert "detects 81.5 % instead of 63.0 % of the keywords of speakers held out: +18.5 points" in page
    assert "is not known: only one speaker." in page and page.count("not distinguishable from none") == 1
    assert "There it has 0 false accepts instead of 1; where it was tuned, none was allowed." in page


def test_the_verdict_counts_other_words_taken_for_a_keyword():
    variant = perfect()
    assert "other words" not in summary_text(only(variant))
    others = [place for place, row in enumerate(variant.stimuli) if row.label == "unknown"]
    stimuli = list(variant.stimuli)
    for place in others[:2]:
        stimuli[place] = replace(stimuli[place], detected="no", correct=False)
    said = summary_text(only(replace(variant, stimuli=stimuli)))
    assert f"2 of {len(others)} other words were taken for a keyword." in said
