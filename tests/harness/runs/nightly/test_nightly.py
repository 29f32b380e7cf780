"""A night on the emulated board, and the nights after it."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from small_models import classifier
from small_nights import TroubledBoard, statuses

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_REGRESSED, BoardNotFound, ProtocolError, UsageError
from harness.layout import PARTIAL, RECORD
from harness.records.reading import read_record
from harness.records.record import RunRecord, write_record
from models.errors import ConfigError


def test_first_night_measures_every_block_keeps_a_canary_and_writes_its_files(bench):
    bench.model("a", 1960)
    bench.model("b")
    result = bench.run()
    blocks = result.record.blocks
    assert [(block.phase, block.round, block.subject) for block in blocks] == [
        ("canary-first", 0, "canary"),
        *(("round", number, subject) for number, subject in zip((1, 1, 2, 2, 3, 3), "abbaab", strict=True)),
        ("canary-last", 0, "canary"),
    ]
    assert not any(block.fault for block in blocks)
    assert {len(samples) for block in blocks for samples in block.samples_us.values()} == {bench.samples}
    assert set(blocks[1].samples_us) == {
        "inference_us/clip",
        "preprocess_us/pcm",
        "inference_us/pcm",
        "postprocess_us/pcm",
    }
    assert set(blocks[2].samples_us) == {"inference_us/clip"}  # takes no sound
    assert set(blocks[0].samples_us) == {"inference_us/clip"}
    assert [block.monotonic_s for block in blocks] == sorted(block.monotonic_s for block in blocks)
    assert set(statuses(result).values()) == {"new"}
    assert result.exit_code == EXIT_CLEAN
    assert any("The image of a is the canary of" in line for line in bench.lines)
    assert (bench.request.canary("desk") / "kept.json").exists()

    folder = result.page.parent
    assert read_record(folder / RECORD) == result.record
    assert result.record.run["kind"] == "nightly"
    assert float(result.record.run["length_s"]) > 0
    assert result.record.verdict.sentence == result.verdict.sentence
    written = json.loads((folder / "verdict.json").read_text())
    assert (written["status"], written["exit_code"]) == (result.verdict.status, result.exit_code)
    cases = list(ElementTree.parse(folder / "junit.xml").iter("testcase"))
    assert len(cases) == len(result.verdict.series) > 0
    assert (folder / "summary.md").read_text() == result.text
    assert not (folder / PARTIAL).exists()
    assert len(list((folder / "blocks").glob("*.log"))) == len(result.record.blocks)


def test_second_night_of_the_same_commit_is_equal_to_the_cycle(bench):
    bench.model("a", 1960)
    first = bench.run()
    bench.accept(first)
    second = bench.run()
    assert set(statuses(second).values()) == {"ok"}
    assert "Nothing changed on desk" in second.text
    of_both = [[block.samples_us for block in night.record.blocks] for night in (first, second)]
    assert of_both[0] == of_both[1]
    rounds = [block.samples_us for block in second.record.blocks if block.phase == "round"]
    assert rounds[0] == rounds[1] == rounds[2]


def test_another_model_changes_its_series_and_not_the_canary(bench):
    bench.model("a")
    first = bench.run()
    bench.accept(first)
    bench.paths.clear()
    bench.model("a", 80)
    second = bench.run()
    found = statuses(second)
    assert found["a/codegen/inference_us/clip"] == "changed"
    assert found["a/codegen/tflite_bytes/-"] == "changed"
    assert second.exit_code == EXIT_REGRESSED
    canaries = [block for block in second.record.blocks if block.subject == "canary"]
    assert {block.image_sha256 for block in canaries} == {first.record.blocks[0].image_sha256}
    assert canaries[0].samples_us == first.record.blocks[0].samples_us


def test_regression_is_confirmed_once_at_once(bench, code):
    bench.model("slow", hidden=300)  # a regression is at least 20 µs
    desk = {"uid": "desk-1", "clock": "measured"}
    first = bench.run(TroubledBoard(**desk))
    earlier = made_history(bench, first.record, nights=12, slower_by=-0.2)
    bench.accept(replace(first, record=earlier[0]))
    tonight = bench.run(TroubledBoard(**desk))
    again = [block for block in tonight.record.blocks if block.phase == "confirmation"]
    assert [(block.round, block.subject) for block in again] == [(1, "slow"), (2, "slow"), (3, "slow")]
    assert statuses(tonight)["slow/codegen/inference_us/clip"] == "regressed"
    assert tonight.exit_code == EXIT_REGRESSED
    assert tonight.verdict.to_confirm == ()


def test_broken_confirmation_leaves_a_suspect(bench):
    bench.model("slow", hidden=300)
    desk = {"uid": "desk-1", "clock": "measured"}
    first = bench.run(TroubledBoard(**desk))
    earlier = made_history(bench, first.record, nights=12, slower_by=-0.2)
    bench.accept(replace(first, record=earlier[0]))

    def trouble() -> ProtocolError | None:
        begun = any(line.startswith("confirmation-2") for line in bench.lines)
        return ProtocolError("the board fell silent", remedy="Look.") if begun else None

    tonight = bench.run(TroubledBoard(trouble, **desk))
    assert [bool(block.fault) for block in tonight.record.blocks if block.phase == "confirmation"] == [0, 1]
    assert statuses(tonight)["slow/codegen/inference_us/clip"] == "suspect"
    assert tonight.exit_code not in (EXIT_CLEAN, EXIT_REGRESSED)


def made_history(bench, record: RunRecord, nights: int, slower_by: float) -> list[RunRecord]:
    """Nights like this one with an image of other times, a day apart, the last one yesterday's."""
    for file in (bench.folder / "nights").rglob(RECORD):
        file.unlink()
    made = []
    for number in range(nights):
        blocks = [
            block
            if block.subject == "canary"
            else replace(
                block,
                samples_us={
                    key: [round(us * (1 + slower_by)) for us in samples]
                    for key, samples in block.samples_us.items()
                },
            )
            for block in record.blocks
        ]
        stamp = f"2026-01-{number + 1:02d}T01:00:00Z"
        run = {**record.run, "id": f"night-{number}", "started": stamp, "ended": stamp, "length_s": ""}
        made.append(replace(record, run=run, blocks=blocks, verdict=None))
        write_record(made[-1], bench.folder / "nights" / "made" / str(number) / RECORD)
    return made


def test_night_without_a_board_is_red_and_recorded(bench):
    bench.model("a")
    bench.model("b")
    gone = BoardNotFound("the board is not there", remedy="Plug it in.")
    result = bench.run(TroubledBoard(lambda: gone, uid="desk-1", clock="measured"))
    record = read_record(result.page.parent / RECORD)
    assert record.fault.failure == "enumerate"
    assert "the board is not there" in record.fault.message
    assert record.blocks == []
    assert result.exit_code == EXIT_BROKEN
    assert result.verdict.status == "broken"
    assert "the board is not there" in result.text


def test_board_that_breaks_in_a_round_leaves_every_variant_broken(bench):
    bench.model("a")
    bench.model("b")
    first = bench.run()
    bench.accept(first)

    def trouble() -> ProtocolError | None:
        begun = any(line.startswith("round-2") for line in bench.lines)
        return ProtocolError("the board fell silent", remedy="Look.") if begun else None

    second = bench.run(TroubledBoard(trouble))
    assert set(statuses(second).values()) == {"broken"}
    assert second.exit_code == EXIT_BROKEN
    assert [bool(block.fault) for block in second.record.blocks] == [False, False, False, True]
    assert "the board fell silent" in second.record.blocks[-1].fault
    for row in second.record.variants:
        assert "of 3 blocks were not measured, because" in row.faults[0].message
    assert second.record.fault is None  # the canary was measured


def test_another_board_of_the_same_name_is_another_environment(bench):
    bench.model("a")
    first = bench.run(TroubledBoard(uid="desk-1", clock="measured"))
    bench.accept(first)
    second = bench.run(TroubledBoard(uid="desk-2", clock="measured"))
    assert set(statuses(second).values()) == {"env-changed"}
    assert "board went from desk-1 to desk-2" in second.text
    assert "To begin a new epoch" in second.text
    assert second.exit_code not in (EXIT_CLEAN, EXIT_REGRESSED)


def test_dirty_tree_is_advisory_and_never_clean(bench, code):
    bench.model("a")
    first = bench.run()
    bench.accept(first)
    code["dirty"] = True
    bench.paths.clear()
    bench.model("a", 80)
    second = bench.run()
    assert all(item.advisory for item in second.verdict.series)
    assert second.exit_code not in (EXIT_CLEAN, EXIT_REGRESSED)
    with pytest.raises(UsageError, match="uncommitted changes"):
        bench.accept(second)


def test_replaced_canary_prevents_comparison(bench):
    bench.model("a")
    bench.model("b")
    bench.accept(bench.run())
    folder = bench.request.canary("desk")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    bench.paths.reverse()  # so that the first variant's image is another one
    second = bench.run()
    assert statuses(second)["a/codegen/inference_us/clip"] == "canary-moved"
    assert "the canary is another image" in second.text
    assert second.exit_code not in (EXIT_CLEAN, EXIT_REGRESSED)


@pytest.mark.parametrize("damage", ["image", "facts"])
def test_damaged_canary_is_reported_and_no_time_is_judged(bench, damage):
    bench.model("a")
    bench.accept(bench.run())
    folder = bench.request.canary("desk")
    if damage == "image":
        (image,) = (folder / "image").glob("*.elf")
        image.write_bytes(image.read_bytes() + b"\0")
    else:
        (folder / "kept.json").write_text("{")
    second = bench.run()
    canaries = [block for block in second.record.blocks if block.subject == "canary"]
    assert len(canaries) == 2 and all(block.fault for block in canaries)
    assert canaries[0].fault.rstrip(".") in second.text
    assert statuses(second)["a/codegen/inference_us/clip"] == "broken"
    assert statuses(second)["a/codegen/flash_bytes/-"] == "ok"
    assert second.exit_code == EXIT_BROKEN


def test_invalid_baseline_is_reported_before_anything_is_measured(bench):
    bench.model("a")
    bench.request.baselines.mkdir()
    (bench.request.baselines / "desk.toml").write_text("schema = ")
    with pytest.raises(ConfigError, match=r"desk\.toml"):
        bench.run()
    assert not any("build …" in line for line in bench.lines)


def test_variant_with_a_fault_has_no_blocks_and_the_others_have(bench):
    bench.model("a")
    bench.paths.append(classifier(bench.folder / "odd.tflite", last="LOG_SOFTMAX"))
    result = bench.run()
    assert {block.subject for block in result.record.blocks} == {"canary", "a"}
    assert result.exit_code == EXIT_BROKEN
    assert {status for name, status in statuses(result).items() if name.startswith("odd/")} == {"broken"}
    assert {path.name for path in bench.request.last_images("desk").iterdir()} == {"a", "record.json"}
