"""`earshot field`: how well it hears recorded words, under which conditions, and why it misses."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.commands.run import add_open
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, UsageError

if TYPE_CHECKING:
    from harness.records.field_record import FieldRecord
    from harness.sound.playback_plan import PlanOptions

SUMMARY = (
    "Play recorded words to the board under chosen conditions: what it hears, how sure that is, and why not."
)

_THRESHOLD = 200
_HOUR_S = 3600.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `field` takes."""
    options.add_models(parser)
    options.add_board(parser)
    options.add_engine(parser)
    what = parser.add_argument_group("what is played")
    what.add_argument("--plan", type=Path, metavar="FILE", help="a plan.json, as every run leaves one")
    what.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="your own <word>/*.wav, or a folder with a manifest.csv (default: the bench file's, or else "
        "recordings/)",
    )
    what.add_argument("--quick", action="store_true", help="a minute of words under the first condition")
    what.add_argument("--repeat", type=int, metavar="N", help="repetitions of each recording (default: 1)")
    what.add_argument("--seed", type=int, metavar="N", help="of order and noise (default: 1)")
    what.add_argument("--gap", type=float, metavar="S", help="seconds between recordings (default: 2)")
    what.add_argument(
        "--snr",
        type=_numbers,
        metavar="A,B,…",
        help="signal-to-noise ratios in dB, each with each distance; below 0: --snr=-5,0",
    )
    what.add_argument(
        "--noise", metavar="KIND|FILE", help="white, pink, hum, babble, or a WAV file (default: white)"
    )
    what.add_argument(
        "--distance",
        type=_numbers,
        metavar="A,B,…",
        help="meters from talker to microphone, in a simulated room",
    )
    what.add_argument("--rt60", type=float, metavar="S", help="reverberation time of that room in seconds")
    what.add_argument(
        "--level", type=float, metavar="DBFS", help="of speech at the microphone (default: as recorded)"
    )
    what.add_argument("--gain", type=float, metavar="DB", help="of the microphone (default: 0)")
    what.add_argument(
        "--keyword-free", metavar="HOURS|FOLDER", help="audio without keywords, for false accepts per hour"
    )
    parser.add_argument(
        "--threshold",
        type=_score,
        metavar="N",
        help=f"of the recognizer, 0 to 255, recomputed from the logs (default: the board's, {_THRESHOLD})",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare every score with the host's, not those of 10 minutes only",
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--read",
        type=Path,
        metavar="FOLDER",
        help="make the page of a run anew from its logs, and measure nothing",
    )
    again.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="go on with a run that was interrupted: whole segments are kept",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=layout.FIELDS,
        metavar="FOLDER",
        help="where the run's folder is made (default: reports/field/)",
    )
    add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.report.pages.field_verdict import summary_text
    from harness.runs.field.asked import FieldRequest, request_of
    from harness.runs.field.publishing import read_again

    if arguments.read:
        record, page = read_again(arguments.read, arguments.threshold, options.say)
    elif arguments.resume:
        record, page = request_of(arguments.resume).take_up(arguments.resume, options.say).run()
    else:
        asked = FieldRequest(
            options.selection(arguments),
            board=arguments.board or options.DEFAULT_BOARD,
            engine=arguments.engine,
            bench=arguments.bench,
            port=arguments.port,
            plan=arguments.plan,
            recordings=arguments.recordings,
            options=_plan_options(arguments),
            threshold=_THRESHOLD if arguments.threshold is None else arguments.threshold,
            check=arguments.check,
        )
        record, page = asked.begin(arguments.output, options.say).run()
    print(summary_text(record))
    print(f"\nReport: {page}")
    if arguments.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    return _exit_code(record)


def _plan_options(arguments: argparse.Namespace) -> PlanOptions:
    """How a plan is made, if none is given."""
    from harness.runs.field.sweep import sweep
    from harness.sound.playback_plan import PlanOptions

    chosen = {
        "repeats": arguments.repeat,
        "seed": arguments.seed,
        "gap_s": arguments.gap,
        **_keyword_free(arguments.keyword_free),
    }
    names = ("snr", "distance", "rt60", "noise", "level", "gain", "recordings")
    given = [*chosen.values(), *(getattr(arguments, name) for name in names), arguments.quick or None]
    if arguments.plan and any(value is not None for value in given):
        raise UsageError(
            "a plan says itself what is played",
            where=str(arguments.plan),
            remedy="Leave --plan out to make a new one, or the other options of what is played.",
        )
    return PlanOptions(
        quick=arguments.quick,
        conditions=sweep(
            arguments.snr or (),
            arguments.distance or (),
            rt60_s=arguments.rt60,
            noise=arguments.noise or "",
            level_dbfs=arguments.level,
            gain_db=arguments.gain or 0.0,
        ),
        **{name: value for name, value in chosen.items() if value is not None},
    )


def _keyword_free(text: str | None) -> dict[str, float | Path]:
    """Hours of noise, or somebody's own audio."""
    if text is None:
        return {}
    try:
        return {"keyword_free_s": float(text) * _HOUR_S}
    except ValueError:
        return {"keyword_free": Path(text)}


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


def _score(text: str) -> int:
    score = int(text)
    if not 0 <= score <= 255:
        raise argparse.ArgumentTypeError(f"{text} is not 0 to 255")
    return score


def _exit_code(record: FieldRecord) -> int:
    faulty = [bool(variant.faults) for variant in record.variants]
    if all(faulty):
        return EXIT_BROKEN
    return EXIT_INCONCLUSIVE if any(faulty) else EXIT_CLEAN
