"""Parser and checks of the report's HTML pages."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from harness.report.table import Table

HOSTILE = '</script><img src=x onerror="alert(1)">|a|`b`*c*$d$ & "e"'


class Page(HTMLParser):
    """A page as its elements, and its tables as rows of texts with merged cells repeated."""

    VOID = frozenset({"meta", "br", "img", "link", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._rows: list[list[str]] = []
        self._heading: list[str] = []
        self._spanned: dict[int, tuple[int, str]] = {}
        self._span, self._cell = 1, ""
        self.feed(text)
        self.close()

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def links(self) -> set[str]:
        return {attributes.get("href") or "" for tag, attributes in self.elements if tag == "a"}

    def check(self) -> None:
        """Check that elements are closed, ids are unique, and nothing is loaded from elsewhere."""
        assert self.open == []
        assert [name for name, times in self.ids.items() if times > 1] == []
        assert not {"link", "iframe", "object", "base"} & set(self.tags)
        for tag, attributes in self.elements:
            for name in ("src", "href", "xlink:href", "action"):
                value = attributes.get(name) or ""
                assert value.startswith("data:") or not re.search(r"^\s*\w+:|//", value), (tag, value)
                assert not value.startswith("#") or value[1:] in self.ids
        assert not re.search(r"(?i)\b(none|nan|inf|null|undefined)\b", self.text.replace("arm-none-eabi", ""))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "div" and values.get("id", "").startswith("table-"):
            self._rows = self.tables[values["id"].removeprefix("table-")] = []
            self._heading, self._spanned = [], {}
        elif tag == "tr" and "tbody" in self.open:
            if values.get("class") != "heading":
                self._rows.append(list(self._heading))
                self._fill()
        elif tag in ("td", "th"):
            self._cell, self._span = "", int(values.get("rowspan", 1))

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.elements.append((tag, values))
        if "id" in values:
            self.ids[values["id"]] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "table":
            self._rows = []  # the next table may have no name
        elif tag == "th" and "tbody" in self.open:
            self._heading = [self._cell.strip()]
        elif tag == "td" and self._rows:
            row = self._rows[-1]
            if self._span > 1:
                self._spanned[len(row)] = (self._span - 1, self._cell.strip())
            row.append(self._cell.strip())
            self._fill()

    def handle_data(self, data):
        self._cell += data
        if not {"style", "script"} & set(self.open):
            self.text += data

    def _fill(self) -> None:
        row = self._rows[-1]
        while len(row) in self._spanned:
            left, text = self._spanned.pop(len(row))
            if left > 1:
                self._spanned[len(row)] = (left - 1, text)
            row.append(text)


def plain(text: str) -> str:
    """Replace no-break spaces."""
    return text.replace("\u00a0", " ")


def shown_texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.shown()[1]]


def shown_tables(tables: dict[str, Table]) -> dict[str, list[list[str]]]:
    """Return the texts of the tables that a page shows."""
    return {
        name: shown_texts(table)
        for name, table in tables.items()
        if len(table.frame) and any(column.header for column in table.columns)
    }


def markdown_tables(text: str) -> dict[str, list[list[str]]]:
    """Return the body rows of each table by the heading above it, without Markdown's escapes."""
    tables: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            rows = tables[line[3:]] = []
        elif line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            rows.append([re.sub(r"\\(.)", r"\1", cell.strip()) for cell in cells])
    return {title: rows[2:] for title, rows in tables.items()}
