"""A record of some kind read back from its JSON, every field checked before anything is made of it.

Fields that this version does not know are passed over (a record may carry more as long as its schema is the
same); a field that is missing or of another type is an error that names the field. Older schemas are read
through their migrations; a seal that does not hold is an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.errors import UsageError
from harness.records import migrations
from harness.records.checksum import Broken, check_seal
from harness.records.migrations import Migration
from harness.records.record import SCHEMA, RunRecord
from harness.records.typed import Mismatch, reader_of

T = TypeVar("T")


@dataclass(frozen=True)
class Form(Generic[T]):
    """A kind of record, for reading and for messages.

    Attributes:
        kind: the dataclass, with `schema` among its fields.
        name: for people, such as "night record".
        schema: the newest that is read.
        keys: what every such file has.
        missing, damaged, foreign: what to try where there is none, it is broken, or it is something else.
        migrations: of every older schema that is still read, see `harness.records.migrations`.
        sealed_since: the first schema whose files end in a seal; None if there is none. The dataclass has a
            field `seal` then: it is set to the seal, or of an older file to the sha256 of its bytes.
    """

    kind: type[T]
    name: str
    schema: int
    keys: frozenset[str]
    missing: str
    damaged: str
    foreign: str
    migrations: Mapping[int, Migration] = dataclasses.field(default_factory=dict)
    sealed_since: int | None = None


_NIGHT = Form(
    RunRecord,
    name="night record",
    schema=SCHEMA,
    keys=frozenset({"schema", "run", "board", "variants"}),
    missing="Make one with `earshot run`",
    damaged="Copy it again from the bench that wrote it, or take another night's, or measure again",
    foreign="Name the run.json of a folder that `earshot run` or `earshot nightly` made",
    migrations=migrations.NIGHT,
    sealed_since=2,
)


def read_record(path: Path) -> RunRecord:
    """Reads the night record that `write_record` wrote.

    Args:
        path: the JSON file.

    Returns:
        The record; its `seal` stands for the file's content.

    Raises:
        UsageError: see `read_form`.
    """
    return read_form(path, _NIGHT)


def read_form(path: Path, form: Form[T]) -> T:
    """Reads a record of some kind.

    Args:
        path: the JSON file.
        form: the kind.

    Raises:
        UsageError: the file is not there, cut off, edited, no such record, of a newer schema, or a field of
            it is missing or of another type; the message names the file and the field.
    """
    content = _content(path, form)
    data = _json(content, path, form)
    if not isinstance(data, dict) or not form.keys <= data.keys():
        raise UsageError(f"this JSON is not a {form.name}", where=str(path), remedy=form.foreign)
    schema = data["schema"]
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UsageError(
            f"the record's schema is {schema!r}, not a version", where=str(path), remedy=form.damaged
        )
    if schema > form.schema:
        raise UsageError(
            f"the record has schema {schema}, this Earshot reads up to {form.schema}",
            where=str(path),
            remedy="Update Earshot to the version that wrote it, or a later one",
        )
    if form.sealed_since is not None:
        data["seal"] = _seal(content, path, form, schema >= form.sealed_since)
    data = migrations.migrated(data, form.migrations, form.schema)
    kind: Any = form.kind
    try:
        record: T = reader_of(kind)(data)
    except Mismatch as mismatch:
        raise UsageError(
            f"the {form.name} is damaged: {mismatch}", where=str(path), remedy=form.damaged
        ) from None
    return record


def _content(path: Path, form: Form[T]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise UsageError(
            f"the {form.name} cannot be read ({reason.strerror})", where=str(path), remedy=form.missing
        ) from None


def _json(content: bytes, path: Path, form: Form[T]) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as reason:
        raise UsageError(
            f"the {form.name} is not whole JSON ({reason})", where=str(path), remedy=form.damaged
        ) from None


def _seal(content: bytes, path: Path, form: Form[T], sealed: bool) -> str:
    if not sealed:
        return hashlib.sha256(content).hexdigest()
    try:
        return check_seal(content)
    except Broken as reason:
        raise UsageError(
            f"the {form.name} was changed after it was written: {reason}",
            where=str(path),
            remedy=form.damaged,
        ) from None
