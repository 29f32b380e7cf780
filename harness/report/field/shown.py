"""The earlier place of the field run's formatters, until its users import `harness.report.format`."""

from harness.report.format import (  # noqa: F401
    audio_lost,
    audio_time,
    decibels,
    level,
    meters,
    milliseconds,
    of,
    per_hour,
    per_hour_interval,
    plain,
)
