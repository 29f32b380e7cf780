"""The page of a recording: what it is, its six views, and the same as files of pictures and numbers."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import pandas as pd

from harness.report import format as figures
from harness.report.html import page_template, write_text
from harness.report.view_data import Facts, Image, Times, Views
from harness.report.view_plots import ALL_VIEWS

PAGE = "recording.html"


def render_views(facts: Facts, views: Views, times: Times, sound: bytes | None, folder: Path) -> Path:
    """Writes recording.html, and a PNG, an SVG and a CSV of each view into a folder.

    The same recording gives the same bytes. The page needs nothing beside it.

    Args:
        facts: what is known of the recording.
        views: its numbers.
        times: what is marked in them.
        sound: the recording as a WAV file, to be heard in the page; None leaves it out.
        folder: where the files go; made when it is not there.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for view in ALL_VIEWS:
        for suffix, drawn in view.files(views, times).items():
            (folder / f"{view.name}.{suffix}").write_bytes(drawn)
    for name, frame in frames(views).items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    html = page_template("recording.html.j2").render(
        facts=facts,
        title=f"Earshot: {facts.name}",
        headline=headline(facts),
        sentences=sentences(facts),
        rows=rows(facts),
        sound=base64.b64encode(sound).decode() if sound else "",
        views=ALL_VIEWS,
        plots={view.name: view.plot(views, times) for view in ALL_VIEWS},
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def frames(views: Views) -> dict[str, pd.DataFrame]:
    """The numbers of each view: a row for each moment (or frequency), a column for each row of a picture."""
    wave, spectrum = views.waveform, views.spectrum
    return {
        "waveform": pd.DataFrame({"start_s": wave.start_s, "low": wave.low, "high": wave.high}).round(7),
        "spectrum": pd.DataFrame({"hz": spectrum.hz, "dbfs": spectrum.dbfs.round(2)}),
        "spectrogram": _over_time(views.spectrogram, "hz"),
        "mel": _over_time(views.mel, "hz"),
        "mfcc": _over_time(views.mfcc, "coefficient"),
        "micro": _over_time(views.micro, "hz"),
    }


def _over_time(image: Image, rows: str) -> pd.DataFrame:
    decimals = 3 if image.values.dtype.kind == "f" else 0
    frame = pd.DataFrame(
        image.values.astype("float64").round(decimals) if decimals else image.values,
        columns=[f"{rows}_{value:.5g}" for value in image.rows],
    )
    starts = [round(image.first_s + index * image.column_s, 6) for index in range(len(image.values))]
    frame.insert(0, "start_s", starts)
    return frame


def headline(facts: Facts) -> str:
    """What it is, in a line."""
    what = f"“{facts.word}”" if facts.word else facts.name
    return f"{what}, {figures.seconds(facts.duration_s)}"


def sentences(facts: Facts) -> str:
    """How loud it is, and where something is said."""
    if not facts.peak:
        return "Digital silence from beginning to end."
    said = f"The loudest sample has {decibels(peak_dbfs(facts))}, all of it {decibels(facts.rms_dbfs)} RMS"
    clipped = "nothing is clipped" if not facts.clipped else f"{_samples(facts.clipped)} clipped"
    start, end = facts.active_s
    where = (
        "Nothing stands out in it"
        if (start, end) == (0, facts.duration_s)
        else f"Active from {figures.seconds(start)} to {figures.seconds(end)}"
    )
    return f"{said}; {clipped}. {where}."


def rows(facts: Facts) -> list[tuple[str, str]]:
    """The facts by name, for a table."""
    start, end = facts.active_s
    found = [
        ("Recording", facts.name),
        ("Word", f"{facts.word} (label {facts.label})" if facts.word else "it is in no manifest"),
        ("Source", facts.source),
        ("Length", f"{figures.seconds(facts.duration_s)}, {figures.count(facts.samples)} samples"),
        ("Read as", f"16,000 Hz, mono, 16 bits: {facts.reading or 'the file as it is'}"),
        ("Peak", decibels(peak_dbfs(facts))),
        ("RMS", decibels(facts.rms_dbfs) if facts.peak else figures.DASH),
        ("Clipped", _samples(facts.clipped)),
        ("Active part", f"{figures.seconds(start)} to {figures.seconds(end)}"),
        ("Feature CRC-32", "" if facts.feature_crc is None else f"{facts.feature_crc:08x} (49 slices)"),
        ("SHA-256", facts.sha256),
    ]
    return [(name, value) for name, value in found if value]


def peak_dbfs(facts: Facts) -> float | None:
    """The peak in dBFS; none of digital silence."""
    return 20 * math.log10(facts.peak) if facts.peak else None


def decibels(dbfs: float | None) -> str:
    """A level: −20.1 dBFS."""
    return figures.DASH if dbfs is None else f"{dbfs:.1f}\u00a0dBFS".replace("-", "−")


def _samples(number: int) -> str:
    return f"{figures.count(number)} sample{'' if number == 1 else 's'}"
