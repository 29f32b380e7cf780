"""An index of night records: what was made of each file, so that only new ones have to be read.

It is derived: made by other code, damaged or in any doubt, it is thrown away and made again. One process at a
time uses it; where it cannot be kept at all, it lives in memory for once.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from harness.history import extract, tables
from harness.history.extract import MANY, extracts
from harness.history.files import Found
from harness.history.history import Conflict, History, RecordFile, Refused
from harness.records import checksum as seal
from harness.records import migrations, reading, record, typed
from harness.regression import from_record, nights, series
from harness.regression.from_record import IN_HISTORY
from harness.regression.nights import clock_problem, merge

T = TypeVar("T")

_MADE_BY = (extract, tables, migrations, reading, record, seal, typed, from_record, nights, series)
"""What rows are made by, beside this module."""


class Index:
    """An index in use.

    Args:
        connection: to its database, which has the tables.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def update(self, found: Sequence[Found], folders: Sequence[Path], say: Callable[[str], None]) -> None:
        """Reads the files that are new or changed, and forgets those that are gone.

        Args:
            found: all files beneath the folders.
            folders: where they were looked for.
            say: told if it takes long.
        """
        known = {
            Path(path): (size, mtime_ns)
            for path, size, mtime_ns in self.connection.execute("SELECT path, size, mtime_ns FROM files")
        }
        fresh = [each for each in found if known.get(each.path) != (each.size, each.mtime_ns)]
        there = {each.path for each in found}
        looked = [folder.absolute() for folder in folders]
        gone = [path for path in known.keys() - there if any(map(path.is_relative_to, looked))]
        if len(fresh) >= MANY:
            say(f"reading {len(fresh):,} night records, once")
        if fresh or gone:
            self.connection.execute("BEGIN")
            self._forget([*gone, *(each.path for each in fresh if each.path in known)])
            self._read(fresh)
            self.connection.execute("COMMIT")

    def _forget(self, paths: Sequence[Path]) -> None:
        self.connection.executemany("DELETE FROM files WHERE path = ?", ((str(path),) for path in paths))
        if paths:
            orphans = "SELECT number FROM nights WHERE digest NOT IN (SELECT digest FROM files)"
            self.connection.execute(f"DELETE FROM times WHERE night IN ({orphans})")
            self.connection.execute(f"DELETE FROM nights WHERE number IN ({orphans})")

    def _read(self, fresh: Sequence[Found]) -> None:
        writer = tables.Writer(self.connection)
        kept = {digest for (digest,) in self.connection.execute("SELECT digest FROM nights")}
        for each, made in zip(fresh, extracts([each.path for each in fresh]), strict=True):
            problem = made.problem
            if made.night and made.digest not in kept:
                try:
                    writer.write(made)
                    kept.add(made.digest)
                except (OverflowError, ValueError) as reason:
                    problem = f"{each.path}: no bench writes such a figure or text ({reason}). Copy it again."
            self.connection.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)",
                (str(each.path), each.size, each.mtime_ns, made.digest, made.kind, problem),
            )

    def history(self, found: Sequence[Found], boards: Collection[str] = ()) -> History:
        """What the files say together.

        Args:
            found: the files, as they were given to `update`.
            boards: names or identities; nights of others are left out. All if there are none.

        Raises:
            LookupError, TypeError, ValueError: the index is not whole.
        """
        copies, refused, runs = self._sorted(found)
        contents: dict[str, list[sqlite3.Row]] = {}
        for row in self._nights(copies):
            contents.setdefault(row["id"], []).append(row)
        conflicts = [
            Conflict(id, tuple(path for row in rows for path in copies[row["digest"]]))
            for id, rows in contents.items()
            if len(rows) > 1
        ]
        rows = [
            row
            for (row, *others) in contents.values()
            if not others and (not boards or row["board"] in boards or row["uid"] in boards)
        ]
        records = {
            row["id"]: RecordFile(
                copies[row["digest"]][0], row["kind"], row["status"], row["sentence"], row["exit_code"]
            )
            for row in rows
        }
        reader = tables.Reader(self.connection)
        loaded = [reader.night(row["number"]) for row in rows]
        nights = merge(loaded).nights
        for night in loaded:
            if problem := clock_problem(night):
                path = records.pop(night.id).path
                refused.append(Refused(path, f"{path} is left out, because {problem}."))
        return History(nights, records, tuple(refused), tuple(conflicts), runs)

    def _sorted(self, found: Sequence[Found]) -> tuple[dict[str, list[Path]], list[Refused], int]:
        """The paths of each night by its digest, the files that are none, and how many are of runs."""
        known = {
            path: rest
            for path, *rest in self.connection.execute("SELECT path, digest, kind, problem FROM files")
        }
        copies: dict[str, list[Path]] = {}
        refused, runs = [], 0
        for each in found:
            digest, kind, problem = known[str(each.path)]
            if problem:
                refused.append(Refused(each.path, problem))
            elif kind in IN_HISTORY:
                copies.setdefault(digest, []).append(each.path)
            else:
                runs += 1
        return copies, refused, runs

    def _nights(self, digests: Collection[str]) -> list[sqlite3.Row]:
        """Who they are and what was said of them, without their figures."""
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        rows = cursor.execute(
            "SELECT number, digest, kind, id, board, uid, status, sentence, exit_code FROM nights"
        )
        there = [row for row in rows if row["digest"] in digests]
        if len(there) != len(digests):
            raise LookupError(f"{len(there)} of {len(digests)} nights")
        return there


def using(path: Path, use: Callable[[Index], T], say: Callable[[str], None], anew: bool = False) -> T:
    """What is made of the index at a path, which is this process's alone meanwhile.

    Where it cannot be kept, because the folder is read only or the disk full, it is made in memory.

    Args:
        path: of its file; made where there is none, or one of other code.
        use: called with it; once more with a new one if the first is not whole.
        say: told what is unusual.
        anew: whether it is made from nothing in any case.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path, say):
            if anew:
                _remove(path)
            try:
                with closing(_opened(path)) as connection:
                    return use(Index(connection))
            except (sqlite3.DatabaseError, LookupError, TypeError, ValueError) as doubt:
                say(f"the index at {path} cannot be used ({doubt}): it is made again")
                _remove(path)
                with closing(_opened(path)) as connection:
                    return use(Index(connection))
    except (OSError, sqlite3.Error) as reason:
        say(f"the index cannot be kept at {path} ({reason}): every record is read again")
        with closing(_connected(":memory:")) as connection:
            connection.executescript(tables.TABLES)
            return use(Index(connection))


@contextlib.contextmanager
def _alone(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for another process that is at the index {path}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _opened(path: Path) -> sqlite3.Connection:
    code = _code()
    connection = _connected(path)
    try:
        made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'made_by'").fetchone()[0]
        if made and connection.execute("SELECT code FROM made_by").fetchall() == [(code,)]:
            (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    _remove(path)
    connection = _connected(path)
    with connection:
        connection.executescript(f"BEGIN; {tables.TABLES} INSERT INTO made_by VALUES ('{code}'); COMMIT;")
    return connection


def _connected(path: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _remove(path: Path) -> None:
    for ending in ("", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _code() -> str:
    """A hash over the sources that make the rows."""
    digest = hashlib.sha256()
    for source in [__file__, *(module.__file__ for module in _MADE_BY)]:
        digest.update(Path(str(source)).read_bytes())
    return digest.hexdigest()
