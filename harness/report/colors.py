"""The earlier place of the plots' colors, until its last users import `harness.report.plot`."""

from harness.report.plot import (  # noqa: F401
    BAD,
    CPU,
    GOOD,
    GPU,
    INFERENCE,
    INK,
    LINE,
    LINK,
    MCU,
    PAPER,
    POSTPROCESS,
    PREPROCESS,
    QUIET,
    SOFT,
)
