"""`earshot field`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.commands.run import exit_code, request_of
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.records.field_record import FieldRecord
    from harness.sound.playback_plan import PlanOptions

SUMMARY = "Play recorded words under chosen conditions; report detection rates and causes of misses."

_HOUR_S = 3600.0


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_request(parser)
    sound = parser.add_argument_group("playback plan")
    sound.add_argument("--plan", type=Path, metavar="FILE", help="the plan.json of an earlier run")
    options.add_recordings(sound)
    sound.add_argument(
        "--split",
        choices=["training", "validation", "testing"],
        help="of the dataset in --recordings, only this set (default: all)",
    )
    sound.add_argument("--quick", action="store_true", help="one minute of words, first condition only")
    sound.add_argument("--repeat", type=int, metavar="N", help="repetitions of each recording (default: 1)")
    sound.add_argument("--seed", type=int, metavar="N", help="seed of order and noise (default: 1)")
    sound.add_argument("--gap", type=float, metavar="S", help="seconds between recordings (default: 2)")
    sound.add_argument(
        "--snr",
        type=options.expected("numbers in dB such as 20,10,0")(_numbers),
        metavar="A,B,…",
        help="signal-to-noise ratios in dB, each combined with each distance; below 0: --snr=-5,0",
    )
    sound.add_argument(
        "--noise",
        metavar="KIND|FILE",
        help="noise for --snr: white, pink, hum, babble, or a WAV file (default: white)",
    )
    sound.add_argument(
        "--distance",
        type=options.expected("numbers in meters such as 1,2,4")(_numbers),
        metavar="A,B,…",
        help="meters from talker to microphone, in a simulated room",
    )
    sound.add_argument("--rt60", type=float, metavar="S", help="reverberation time of that room in seconds")
    sound.add_argument(
        "--level", type=float, metavar="DBFS", help="level of speech at the microphone (default: as recorded)"
    )
    sound.add_argument("--gain", type=float, metavar="DB", help="gain of the microphone (default: 0)")
    sound.add_argument(
        "--keyword-free", metavar="HOURS|FOLDER", help="audio without keywords, for false accepts per hour"
    )
    parser.add_argument(
        "--threshold",
        type=_score,
        metavar="N",
        help="threshold for all labels, 0 to 255, applied to the logged scores (default: the board's own)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare every score of audio without words with the host's, not only of its first 10 minutes",
    )
    parser.add_argument(
        "--read",
        type=Path,
        metavar="FOLDER",
        help="make record and page of a run anew from its transcripts, without measuring",
    )
    options.add_output(parser, layout.FIELDS)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.runs.field.publishing import read_again
    from harness.runs.field.run import begin_field
    from harness.runs.request import FieldRequest

    if arguments.read:
        return finish(*read_again(arguments.read, arguments.threshold), arguments.open)
    field = FieldRequest(
        plan=arguments.plan,
        options=_plan_options(arguments),
        threshold=arguments.threshold,
        check=arguments.check,
    )
    request = request_of(arguments, recordings=arguments.recordings, field=field)
    return finish(*begin_field(request, arguments.output).run(), arguments.open)


def finish(record: FieldRecord, page: Path, open_page: bool) -> int:
    """Print the summary and return the exit code."""
    from harness.report.pages.field_verdict import summary_text

    print(summary_text(record))
    options.show_page(page, open_page)
    return exit_code(record.variants)


def _plan_options(arguments: argparse.Namespace) -> PlanOptions:
    """Return the options of a new plan."""
    from harness.bench_file import find_bench
    from harness.sound.conditions import sweep
    from harness.sound.playback_plan import PlanOptions

    chosen = {
        "repeats": arguments.repeat,
        "seed": arguments.seed,
        "gap_s": arguments.gap,
        "split": arguments.split,
        **_keyword_free(arguments.keyword_free),
    }
    names = ("repeat", "seed", "gap", "keyword_free", "snr", "distance", "rt60", "noise", "level", "gain")
    given = [name for name in (*names, "recordings", "split") if getattr(arguments, name) is not None]
    given = ["--" + name.replace("_", "-") for name in [*given, *(["quick"] if arguments.quick else [])]]
    if arguments.plan and given:
        raise UsageError(
            f"--plan cannot be combined with {', '.join(given)}",
            where=str(arguments.plan),
            remedy="Omit --plan to make a new plan, or omit the others to play this one.",
        )
    if arguments.split and not (arguments.recordings or find_bench(arguments.bench).recordings):
        raise UsageError(
            "--split needs --recordings",
            remedy="Name the folder of the dataset with --recordings, or omit --split.",
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
    """Parse hours of noise, or a path of own audio."""
    if text is None:
        return {}
    try:
        return {"keyword_free_s": float(text) * _HOUR_S}
    except ValueError:
        return {"keyword_free": Path(text)}


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


@options.expected("a whole number from 0 to 255")
def _score(text: str) -> int:
    score = int(text)
    if not 0 <= score <= 255:
        raise argparse.ArgumentTypeError(f"{text} is not 0 to 255")
    return score
