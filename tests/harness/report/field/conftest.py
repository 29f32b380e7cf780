"""The sample of a field run, rendered once."""

from __future__ import annotations

import pytest
from field_pages import CLIPS, Page, everything, only, quiet_variant, rendered
from sample_field import with_clips

from harness.report.field import render_field


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Everything there can be, rendered."""
    made = tmp_path_factory.mktemp("field")
    render_field(with_clips(everything(), made, CLIPS), made)
    return made


@pytest.fixture(scope="session")
def page(folder):
    return Page((folder / "field.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def quiet(tmp_path_factory):
    """The page of a variant that hears everything."""
    return rendered(only(quiet_variant()), tmp_path_factory.mktemp("quiet"))
