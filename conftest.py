"""Registers Earshot's pytest plugin, and short forms of its options: in this checkout `--board` is enough."""

from harness.plugin import add_short_options as pytest_addoption

__all__ = ["pytest_addoption"]

pytest_plugins = ["harness.plugin"]
