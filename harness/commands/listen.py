"""`earshot listen`."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness import layout, options
from harness.commands.field import finish
from harness.commands.run import exit_code, request_of
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.measure.live import LiveSession

SUMMARY = "Listen live: the microphone feeds the emulated board, or a real board hears the room."

DEFAULT_VARIANT = "tinyconv-int8"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "variants",
        nargs="?",
        default=DEFAULT_VARIANT,
        metavar="VARIANT",
        help=f"id of models/configs/ (default: {DEFAULT_VARIANT})",
    )
    options.add_request(parser, variants=False)
    parser.add_argument(
        "--device", default="", metavar="NAME", help="a part of the microphone's name (default: the system's)"
    )
    parser.add_argument(
        "--seconds", type=_length, metavar="N", help="end after so many seconds (default: at Ctrl-C)"
    )
    parser.add_argument(
        "--save",
        action="store_true",
        help="keep sound and transcript as a field run, at most an hour, for `earshot tune` and `report`",
    )
    parser.add_argument(
        "--say",
        type=_words,
        default=(),
        metavar="A,B,…",
        help="show these words one after another for you to say, so that the field run knows them",
    )
    parser.add_argument("--speaker", type=_name, metavar="NAME", help="who says them: letters and digits")
    options.add_output(parser, layout.FIELDS)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.live_view import LiveView
    from harness.runs.field.live import LiveOptions, begin_live
    from models.scratch import ScratchFolder

    for option, needed in (("say", "save"), ("speaker", "say"), ("open", "save")):
        if getattr(arguments, option) and not getattr(arguments, needed):
            raise UsageError(f"--{option} needs --{needed}", remedy=f"Add --{needed}, or omit --{option}.")
    chosen = LiveOptions(
        arguments.device, arguments.seconds, arguments.say, arguments.speaker or "", arguments.save
    )
    with ExitStack() as stack:
        output = arguments.output
        if not arguments.save:
            output = stack.enter_context(ScratchFolder("listen"))
        view = stack.enter_context(LiveView(arguments.verbosity))
        run = begin_live(request_of(arguments), output, chosen, view.show)
        record, page = run.run()
        view.close()
        if run.session:
            print(summary(run.session, view.detected))
    return finish(record, page, arguments.open) if arguments.save else exit_code(record.variants)


def summary(session: LiveSession, detected: Counter[str]) -> str:
    """Return what was heard and what was lost."""
    words = ", ".join(f"{word} {count}" for word, count in detected.most_common()) or "none"
    lines = [f"Listened for {session.heard_s:.1f} s. Detected: {words}."]
    if session.sound and not session.board.acoustic:
        heard = "an unknown number" if session.heard_samples is None else f"{session.heard_samples:,}"
        lines.append(
            f"The microphone delivered {session.sound.samples:,} samples, the board heard {heard}; "
            f"it was at most {session.most_behind_s:.2f} s behind."
        )
    if session.sound and (losses := session.sound.capture.losses):
        lines.append(f"The microphone lost samples {len(losses)} times; the last time, {losses[-1]}.")
    if session.samples_lost:
        lines.append(f"The board was too slow for {session.samples_lost:,} samples.")
    if session.records_lost:
        lines.append(f"{session.records_lost} records of the board were lost.")
    return "\n".join(lines)


def _length(text: str) -> float:
    seconds = options.seconds(text)
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"it must be 1 or more, not {text}")
    return seconds


def _name(text: str) -> str:
    if not text.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r} is not a name of letters and digits")
    return text


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if bad := [word for word in words if not word or not word.isprintable() or "/" in word or word[0] == "."]:
        raise argparse.ArgumentTypeError(f"{bad[0]!r} cannot be the name of a folder")
    return words
