"""`earshot show`: what a recording looks like on its way into a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout, options
from harness.errors import EXIT_CLEAN

SUMMARY = "Show a recording: waveform, spectrum, spectrogram, mel, MFCC, and the features that a model sees."

_SOUND_S = 30
"""Longer recordings are not put into the page: a second takes 43 KB there."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `show` takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording of any rate and length")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where page, pictures and numbers are written (default: a folder in reports/recordings/)",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser when it is written")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    import io

    import soundfile

    from harness.recording_views import look
    from harness.report.views import render_views
    from models.data.wav import SAMPLE_RATE_HZ

    seen = look(arguments.file)
    if seen.facts.reading:
        options.say(f"{arguments.file}: {seen.facts.reading}")
    for remark in seen.facts.remarks:
        options.say(f"{arguments.file}: {remark}")
    sound = io.BytesIO()
    if seen.facts.duration_s <= _SOUND_S:
        soundfile.write(sound, seen.samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    folder = arguments.output or (
        layout.REPORTS / "recordings" / f"{arguments.file.stem}-{seen.facts.sha256[:8]}"
    )
    page = render_views(seen.facts, seen.views, seen.times, sound.getvalue() or None, folder)
    print(page)
    if arguments.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    return EXIT_CLEAN
