"""The page of a recording: its facts, its six views, and the views as SVG and CSV files."""

from __future__ import annotations

import base64
from pathlib import Path

import pandas as pd

from harness import format as fmt
from harness.recording_views import Facts, Look
from harness.report.html import write_page, write_text
from harness.report.pages.recording_plots import ALL_VIEWS
from harness.report.plot import standalone_svg
from models.views import Image, Views

PAGE = "recording.html"


def render_recording(seen: Look, sound: bytes | None, folder: Path) -> Path:
    """Write recording.html, and an SVG and a CSV file of each view, and return the path of the page.

    `sound` is a WAV file that the page plays; None leaves the player out.
    """
    plots = {view.name: view.plot(seen) for view in ALL_VIEWS}
    for name, plot in plots.items():
        write_text(folder / f"{name}.svg", standalone_svg(plot))
    for name, frame in frames(seen.views).items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    facts = seen.facts
    return write_page(
        "recording.html.j2",
        folder / PAGE,
        facts=facts,
        title=f"Earshot: {facts.name}",
        headline=f"{f'“{facts.word}”' if facts.word else facts.name}, {fmt.seconds(facts.duration_s)}",
        rows=_rows(facts),
        sound=base64.b64encode(sound).decode() if sound else "",
        views=ALL_VIEWS,
        plots=plots,
    )


def frames(views: Views) -> dict[str, pd.DataFrame]:
    """Return the numbers of each view: a row for each moment or frequency, a column for each image row."""
    wave, spectrum = views.waveform, views.spectrum
    found = {
        "waveform": pd.DataFrame({"start_s": wave.start_s, "low": wave.low, "high": wave.high}).round(7),
        "spectrum": pd.DataFrame({"hz": spectrum.hz, "dbfs": spectrum.dbfs.round(2)}),
    }
    images = {"spectrogram": "hz", "mel": "hz", "mfcc": "coefficient", "micro": "hz"}
    return found | {name: _over_time(getattr(views, name), rows) for name, rows in images.items()}


def _over_time(image: Image, rows: str) -> pd.DataFrame:
    values = image.values
    if values.dtype.kind == "f":
        values = values.astype("float64").round(3)
    frame = pd.DataFrame(values, columns=[f"{rows}_{value:.5g}" for value in image.rows])
    starts = [round(image.first_s + index * image.column_s, 6) for index in range(len(values))]
    frame.insert(0, "start_s", starts)
    return frame


def _rows(facts: Facts) -> list[tuple[str, str]]:
    start, end = facts.active_s
    whole = (start, end) == (0, facts.duration_s)
    found = [
        ("Recording", facts.name),
        ("Word", f"{facts.word} (label {facts.label})" if facts.word else "in no manifest"),
        ("Source", facts.source),
        ("Length", f"{fmt.seconds(facts.duration_s)}, {fmt.plural(facts.samples, 'sample')}"),
        ("Read as", f"16,000 Hz, mono, 16 bits: {facts.reading or 'the file as it is'}"),
        ("Peak", fmt.dbfs(facts.peak_dbfs)),
        ("RMS", fmt.dbfs(facts.rms_dbfs if facts.peak else None)),
        ("Clipped", fmt.plural(facts.clipped, "sample")),
        ("Active part", "the whole recording" if whole else f"{fmt.seconds(start)} to {fmt.seconds(end)}"),
        ("Feature CRC-32", "" if facts.feature_crc is None else f"{facts.feature_crc:08x} (49 slices)"),
        ("SHA-256", facts.sha256),
    ]
    return [(name, value) for name, value in found if value]
