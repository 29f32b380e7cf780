"""A/A: the images of the last night measured again, to see what the bench makes of no change at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from harness.boards.board import Board
from harness.errors import EXIT_BROKEN, EXIT_CLEAN
from harness.records import provenance
from harness.records.record import BlockRow, VariantRow
from harness.regression.a_a import Repeatability, a_a
from harness.regression.epochs import A_A_NIGHTS
from harness.regression.from_record import A_A, night_of
from harness.regression.nights import Night
from harness.report.pages.run import render_run
from harness.runs import journal as journals
from harness.runs.journal import Journal
from harness.runs.nightly.markdown_summary import chat
from harness.runs.nightly.outcome import Outcome
from harness.runs.nightly.rounds import Rounds
from harness.runs.nightly.same_images import read_images
from harness.runs.nightly.settings import Settings
from harness.runs.nightly.verdict_files import write_text, write_verdict
from harness.runs.plan import BOARD


def a_a_night(
    board: Board,
    settings: Settings,
    output: Path,
    say: Callable[[str], None],
    about: Mapping[str, str],
    options: str = "",
    interrupted: Path | None = None,
) -> Outcome:
    """Measures the images that the last night on a board kept; nothing is prepared, built or played.

    Args:
        board: is measured, and closed.
        settings: of the night.
        output: where its folder is made.
        say: told one line about each step.
        about: what the record says of the run, with the board's name on the bench.
        options: see `harness.runs.journal.begin`.
        interrupted: the folder of such a night to take up.

    Raises:
        UsageError: no images are kept, or they are others than when the night was interrupted.
    """
    with board:
        kept, subjects = read_images(settings, about[BOARD])
        now = provenance.code()
        measured_by = {name: now[name] for name in ("harness_version", "procedure_version")}
        code = {**kept.code, **measured_by}
        journal = (
            journals.take_up(interrupted, board.describe(), code)
            if interrupted
            else journals.begin(output, board.describe(), options, {**about, "kind": A_A}, code)
        )
        journal.rows = {row.id: row for row in kept.variants}
        try:
            journal.write()
            rounds = Rounds(board, journal, settings, say)
            rounds.measure(subjects)
            verdict = rounds.verdict()
            nights = rounds.earlier()
            _show_times(journal)
            record = journal.end()
            rounds.close()
        finally:
            journal.let_go()
    write_verdict(verdict, record, journal.folder)
    broken = verdict.exit_code == EXIT_BROKEN
    tonight = night_of(record, "tonight")
    text = chat(verdict) + ("" if broken else "\n" + told(tonight, a_a([*nights, tonight])))
    write_text(text, journal.folder)
    page = render_run(record, journal.folder)
    return Outcome(record, verdict, page, text, EXIT_BROKEN if broken else EXIT_CLEAN)


def told(tonight: Night, found: Repeatability) -> str:
    """What nights of one image show, in Markdown."""
    if tonight.modeled:
        return (
            "On a board whose clock is modeled nothing wavers: each figure is held to the last digit, "
            "and there is nothing to find out.\n"
        )
    if tonight.dirty:
        return (
            "The images come from a tree with changes that are in no commit, so this night does not count: "
            "commit them, and measure a night with `earshot nightly`.\n"
        )
    lines = [
        f"{found.alarmed} of {found.judged} nights of the same images would have been a false alarm, before "
        f"anything is measured again to confirm it.",
        "",
        "| Series | Nights | Night sd | False alarms | Gates |",
        "|---|---:|---:|---:|---|",
    ]
    for noise in found.series:
        night_sd = "–" if noise.night_sd is None else f"{noise.night_sd:.3%}"
        missing = A_A_NIGHTS - noise.nights
        gates = "yes" if noise.gates else f"after {missing} more night{'s' if missing > 1 else ''}"
        lines.append(f"| {noise.name} | {noise.nights} | {night_sd} | {noise.false_alarms} | {gates} |")
    return "\n".join(lines) + "\n"


def _show_times(journal: Journal) -> None:
    """The report's times are tonight's: those of the blocks."""
    for row in journal.rows.values():
        own = [block for block in journal.blocks if block.subject == row.id and block.phase == "round"]
        journal.rows[row.id] = replace(row, stage_us=_by_stage(row, own))


def _by_stage(row: VariantRow, blocks: list[BlockRow]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for block in blocks:
        for key, samples in block.samples_us.items():
            metric, _, mode = key.partition("/")
            if mode != "clip" or len(block.samples_us) == 1:
                found.setdefault(metric.removesuffix("_us"), []).extend(samples)
    return found
