"""`earshot show`: the page of one recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout, options
from harness.errors import EXIT_CLEAN
from models import progress

SUMMARY = "Show a recording: waveform, spectrum, spectrogram, mel, MFCC, and the input of a model."

_SOUND_S = 30
"""Longest recording that the page can play; one second takes 43 KB there."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording of any rate and length")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder for the page, its pictures and its numbers (default: a folder in reports/recordings/)",
    )
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    import io

    import soundfile

    from harness.files import file_name
    from harness.recording_views import look
    from harness.report.pages.recording import render_recording
    from models.data.wav import SAMPLE_RATE_HZ

    seen = look(arguments.file)
    for remark in (seen.facts.reading, *seen.facts.remarks):
        if remark:
            progress.log(f"{arguments.file}: {remark}")
    sound = io.BytesIO()
    if seen.facts.duration_s <= _SOUND_S:
        soundfile.write(sound, seen.samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    folder = arguments.output or (
        layout.REPORTS / "recordings" / f"{file_name(arguments.file.stem)}-{seen.facts.sha256[:8]}"
    )
    page = render_recording(seen, sound.getvalue() or None, folder)
    options.show_page(page, arguments.open, title="")
    return EXIT_CLEAN
