"""Values that travel between machines: a path in the store of one becomes one in the store of the other."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from models.store import Store


class NotHere(Exception):
    """An artifact that the sender has and the receiver cannot take."""


_CODE = Path(__file__).parents[1]
"""Folder of this Earshot; workers may have it elsewhere."""


class _Packer(pickle.Pickler):
    """A pickler that names a path in the store or in Earshot's code relative to that folder."""

    def __init__(self, stream: io.BytesIO, root: Path) -> None:
        super().__init__(stream)
        self._root = root
        self.names_scratch = False

    def persistent_id(self, value: Any) -> tuple[str, str, str] | None:
        if not isinstance(value, Path):
            return None
        if not value.is_relative_to(self._root):
            return ("code", str(value.relative_to(_CODE)), "") if value.is_relative_to(_CODE) else None
        name = value.relative_to(self._root)
        artifact = "/".join(name.parts[:2]) if len(name.parts) > 1 else ""
        if "/." in artifact:
            self.names_scratch = True
        elif artifact and Store(self._root).has(self._root / artifact):  # this publishes an old one, too
            return "store", str(name), artifact
        return "store", str(name), ""


class _Unpacker(pickle.Unpickler):
    """A reader of what `_Packer` wrote; it takes artifacts that are named from the shared store."""

    def __init__(self, stream: io.BytesIO, root: Path, is_apart: bool) -> None:
        super().__init__(stream)
        self._root = root
        self._is_apart = is_apart

    def persistent_load(self, found: tuple[str, str, str]) -> Path:
        kind, name, artifact = found
        if kind == "code":
            return _CODE / name
        if self._is_apart and "/." in name:
            raise NotHere(name)
        if artifact and not Store(self._root).has(self._root / artifact):
            raise NotHere(artifact)
        return self._root / name


def pack(value: Any, root: Path) -> tuple[bytes, bool]:
    """Pickle a value for another machine; return whether it names an unfinished artifact, too."""
    stream = io.BytesIO()
    packer = _Packer(stream, root)
    packer.dump(value)
    return stream.getvalue(), packer.names_scratch


def unpack(packed: bytes, root: Path, is_apart: bool = False) -> Any:
    """Read a value from another machine.

    Raises:
        NotHere: it names an artifact that is not in the store of this machine and cannot be taken.
    """
    return _Unpacker(io.BytesIO(packed), root, is_apart).load()
