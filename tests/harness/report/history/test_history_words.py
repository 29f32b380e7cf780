import numpy as np
import pytest

from harness.records.verdict import SeriesName
from harness.report.history.series import Series
from harness.report.history.words import amount, change_text, share_text, with_code

TIME = SeriesName("a", "codegen", "inference_us", "clip")
FLASH = SeriesName("a", "codegen", "flash_bytes", "-")


def series(name, kind):
    """Without any nights."""
    none = np.zeros(0)
    return Series(name, kind, none, none, (), none, None, (), None, None)


@pytest.mark.parametrize(
    ("value", "name", "kind", "text"),
    [
        (33_117.4, TIME, "time", "33.12 ms"),
        (33_117.4, TIME, "modeled", "33,117.4 µs"),
        (843.25, TIME, "time", "843.25 µs"),
        (61_312, FLASH, "number", "61,312 bytes"),
        (None, FLASH, "number", "–"),
        (float("nan"), TIME, "time", "–"),
        ("CONV_2D 1, SOFTMAX 1", FLASH, "text", "CONV_2D 1, SOFTMA…"),
    ],
)
def test_an_amount_has_its_unit(value, name, kind, text):
    assert amount(value, series(name, kind)).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.021, "+2.10 %"), (-0.5, "−50.00 %"), (0.0000817, "+0.0082 %"), (-1.2e-6, "−0.00012 %")],
)
def test_a_share_that_is_not_nothing_never_reads_as_nothing(share, text):
    assert share_text(share).replace("\u00a0", " ") == text


def test_an_exact_figure_is_told_with_its_difference():
    told = change_text("modeled", 150_012.5, 150_000.25, TIME).replace("\u00a0", " ")
    assert told == "+12.25 µs, +0.0082 %"


def test_a_measured_time_is_told_as_a_share():
    assert change_text("time", 33_660.0, 33_000.0, TIME).replace("\u00a0", " ") == "+2.00 %"


def test_commands_are_code_and_nothing_else_is_markup():
    assert with_code("<b> `earshot run --x <y>`.") == "&lt;b&gt; <code>earshot run --x &lt;y&gt;</code>."
