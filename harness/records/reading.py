"""Read a record back from its JSON and check every field: types, unknown and missing keys, checksum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.errors import UsageError
from harness.records.checksum import WrongChecksum, check_checksum
from harness.records.record import SCHEMA, RunRecord
from models.decoding import decode_value, parse_json, read_file
from models.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True)
class RecordFormat(Generic[T]):
    """A kind of record file."""

    kind: type[T]  # the dataclass; `schema` is one of its fields
    name: str  # for people, such as "run record"
    schema: int  # the version that this Earshot reads
    command: str  # the command that writes such files
    remedy: str  # what to do about a damaged file
    has_checksum: bool = False  # true if the file ends in a checksum, which becomes the field `checksum`

    def read(self, path: Path) -> T:
        """Read a record.

        Raises:
            UsageError: the file is missing, cut off, edited, another kind of file, or of another schema, or
                a field is missing, unknown or of another type; the message names the file and the field.
        """
        try:
            content = read_file(path)
        except OSError as reason:
            raise self._refusal(
                f"cannot be read ({reason.strerror})", path, f"Make one with `{self.command}`"
            ) from None
        try:
            data = parse_json(content, path)
        except ConfigError as problem:
            raise self._refusal(f"is damaged: {problem.what}", problem.where) from None
        self._check_schema(data, path)
        if self.has_checksum:
            try:
                data["checksum"] = check_checksum(content)
            except WrongChecksum as reason:
                raise self._refusal(f"was changed after it was written: {reason}", path) from None
        try:
            return decode_value(data, self.kind, path)
        except ConfigError as problem:
            raise UsageError(
                f"the {self.name} is damaged: {problem.what}. {problem.remedy}".rstrip("."),
                where=problem.where,
                remedy=self.remedy,
            ) from None

    def _check_schema(self, data: Any, path: Path) -> None:
        schema = data.get("schema") if isinstance(data, dict) else None
        if type(schema) is not int:
            raise UsageError(
                f"this JSON is not a {self.name}",
                where=str(path),
                remedy=f"Name a file that `{self.command}` wrote",
            )
        if schema != self.schema:
            raise self._refusal(
                f"has schema {schema}, this Earshot reads {self.schema}",
                path,
                "Use the version of Earshot that wrote it, or measure again",
            )

    def _refusal(self, what: str, path: Path | str, remedy: str = "") -> UsageError:
        return UsageError(f"the {self.name} {what}", where=str(path), remedy=remedy or self.remedy)


read_record = RecordFormat(
    RunRecord,
    name="run record",
    schema=SCHEMA,
    command="earshot run",
    remedy="Copy it again from the bench that wrote it, or measure again",
    has_checksum=True,
).read
