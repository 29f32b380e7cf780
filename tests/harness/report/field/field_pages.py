"""Pages of field runs as the tests need them: rendered, and taken apart."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

from sample_field import acoustic, command_mode, heard_by, sample_field

from harness.records.field_record import FieldRecord
from harness.report.field import render_field

CLIPS = 12


class Page(HTMLParser):
    """A page as its elements, texts and links; every element is closed by its own end."""

    VOID = frozenset({"meta", "br", "img", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.sounds: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.tags[tag] += 1
        if "id" in values:
            self.ids[values["id"]] += 1
        if "src" in values:
            (self.sounds if tag == "audio" else self.loaded).append(values["src"])
        if "href" in values:
            self.links.append(values["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def headline(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.source)
        assert found
        return found[1].replace("\u00a0", " ")


def everything() -> FieldRecord:
    record = sample_field()
    return replace(record, variants=[*record.variants, acoustic(), command_mode()])


def rendered(record: FieldRecord, folder) -> Page:
    return Page(render_field(record, folder).read_text(encoding="utf-8"))


def only(variant) -> FieldRecord:
    return replace(sample_field(), variants=[variant], excluded=[], notes=[])


def quiet_variant():
    """Hears everything, announces nothing else, loses nothing."""
    variant = heard_by("tinyconv-int8", "TinyConv, int8", 0.0, seed=1)
    stimuli = [
        replace(
            row, detected=row.label if row.label != "unknown" else None, correct=True, excluded="", cause="",
            delay_s=0.1 if row.label != "unknown" else None,
        )
        for row in variant.stimuli
    ]  # fmt: skip
    return replace(variant, stimuli=stimuli, false_accepts=[], notes=[])
