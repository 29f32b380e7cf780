"""Colors of plots, which the page sets for light, dark and print: placeholders here, CSS variables there."""

from __future__ import annotations

INK, SOFT, LINE, PAPER, LINK = "#010101", "#010102", "#010103", "#010104", "#010105"
"""Text, lesser text, rules and grid, background, and what stands out as a link does."""
MCU, CPU, GPU = "#010201", "#010202", "#010203"
PREPROCESS, INFERENCE, POSTPROCESS = "#010301", "#010302", "#010303"
GOOD, BAD, QUIET = "#010401", "#010402", "#010403"
"""Heard right, heard wrong or missed, and sounds that should not be heard."""

CSS_VARIABLES = {
    INK: "ink",
    SOFT: "soft",
    LINE: "line",
    PAPER: "paper",
    LINK: "link",
    MCU: "mcu",
    CPU: "cpu",
    GPU: "gpu",
    PREPROCESS: "preprocess",
    INFERENCE: "inference",
    POSTPROCESS: "postprocess",
    GOOD: "good",
    BAD: "bad",
    QUIET: "quiet",
}
"""The CSS variable, without its dashes, that takes the place of each; no real color is so near black."""
