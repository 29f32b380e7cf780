"""A night as rows of SQLite, and back: what is judged and shown of it, without its samples.

`times` has a row for each night and timed series. What is exact, and what was said of the series, hardly
changes from night to night and is never looked at alone, so it stands in the night's own row.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Callable, Mapping

from harness.history.extract import Extract
from harness.regression.canary import CanaryReading
from harness.regression.nights import Exact, Judged, Night
from harness.regression.series import Measured, SeriesName

TABLES = """
CREATE TABLE made_by (code TEXT);
CREATE TABLE files (path TEXT PRIMARY KEY, size INT, mtime_ns INT, digest TEXT, kind TEXT, problem TEXT);
CREATE TABLE series (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE nights (
    number INTEGER PRIMARY KEY, digest TEXT UNIQUE, kind TEXT, id TEXT, board TEXT, uid TEXT,
    started TEXT, ended TEXT, commit_id TEXT, dirty INT, procedure INT, modeled INT, length_s REAL,
    fault TEXT, status TEXT, sentence TEXT, exit_code INT,
    environment TEXT, faults TEXT, canary TEXT, confirmations TEXT, exact TEXT, judged TEXT, times INT
);
CREATE TABLE times (
    night INT, series INT, value_us REAL, mean_us REAL, p99_us REAL, max_us REAL, blocks INT, identical INT,
    image TEXT, problem TEXT, PRIMARY KEY (night, series)
) WITHOUT ROWID;
"""

_NIGHT = "INSERT INTO nights ({}) VALUES ({})"
_TIME = f"INSERT INTO times VALUES (?{', ?' * 9})"
_TIMES = (
    "SELECT series, value_us, mean_us, p99_us, max_us, blocks, identical, image, problem FROM times "
    "WHERE night = ?"
)


class Writer:
    """Puts nights into an index; of one that cannot be written nothing is kept.

    Args:
        connection: to the index, within a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._series = _series(connection)

    def write(self, extract: Extract) -> None:
        """Adds a night.

        Args:
            extract: of its record.

        Raises:
            OverflowError: a number is larger than 64 bits.
            ValueError: a text is none that UTF-8 can hold.
        """
        self._connection.execute("SAVEPOINT night")
        try:
            self._write(extract)
        except BaseException:
            self._connection.execute("ROLLBACK TO night")
            self._series = _series(self._connection)  # what was new in it is gone
            raise
        finally:
            self._connection.execute("RELEASE night")

    def _write(self, extract: Extract) -> None:
        number = self._number
        columns = {
            "digest": extract.digest,
            "kind": extract.kind,
            **extract.night,
            "times": len(extract.times),
            "confirmations": json.dumps([(number(name), values) for name, values in extract.confirmations]),
            "exact": json.dumps([(number(name), value) for name, value in extract.exact]),
            "judged": json.dumps([(*said, [*map(number, names)]) for *said, names in extract.judged]),
        }
        statement = _NIGHT.format(", ".join(columns), ", ".join("?" * len(columns)))
        night = self._connection.execute(statement, [*columns.values()]).lastrowid
        self._connection.executemany(
            _TIME, [(night, number(name), *values) for name, values in extract.times]
        )

    def _number(self, name: str) -> int:
        number = self._series.get(name)
        if number is None:
            number = self._series[name] = len(self._series) + 1
            self._connection.execute("INSERT INTO series VALUES (?, ?)", (number, name))
        return number


class Reader:
    """Makes nights of an index again.

    Args:
        connection: to the index, which stays as it is meanwhile.

    Raises:
        ValueError: the index is not whole.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self._cursor.row_factory = sqlite3.Row
        self._connection = connection
        self._series = {number: SeriesName.parse(name) for name, number in _series(connection).items()}
        # Nights share what they have in common: that is most of it, and there are thousands.
        self._environment: Callable[[str], Mapping[str, str]] = functools.cache(json.loads)
        self._judged = functools.cache(self._read_judged)
        self._texts: dict[str, str] = {}

    def night(self, number: int) -> Night:
        """A night with its figures.

        Args:
            number: of the night in the index.

        Raises:
            LookupError, TypeError, ValueError: the index is not whole.
        """
        row = self._cursor.execute("SELECT * FROM nights WHERE number = ?", (number,)).fetchone()
        canary = json.loads(row["canary"])
        return Night(
            id=row["id"],
            digest=row["digest"],
            started=row["started"],
            ended=row["ended"],
            commit=row["commit_id"],
            dirty=bool(row["dirty"]),
            board=row["board"],
            uid=row["uid"],
            environment=self._environment(row["environment"]),
            procedure=row["procedure"],
            modeled=bool(row["modeled"]),
            times=self._times(number, row["times"]),
            exact=self._exact(row["exact"]),
            canary=canary and CanaryReading(*(each and Measured(*each) for each in canary)),
            length_s=row["length_s"],
            confirmations={
                self._series[number]: Measured(*values) for number, values in json.loads(row["confirmations"])
            },
            faults={(variant, engine): why for variant, engine, why in json.loads(row["faults"])},
            fault=row["fault"],
            judged=self._judged(row["judged"]),
        )

    def _times(self, night: int, expected: int) -> dict[SeriesName, Measured]:
        series, same = self._series, self._texts.setdefault
        rows = self._connection.execute(_TIMES, (night,))
        times = {
            series[number]: Measured(
                value, mean, p99, most, blocks, bool(identical), same(image, image), problem
            )
            for number, value, mean, p99, most, blocks, identical, image, problem in rows
        }
        if len(times) != expected:
            raise LookupError(f"{len(times)} of {expected} times of night {night}")
        return times

    def _exact(self, text: str) -> dict[SeriesName, Exact]:
        series, same = self._series, self._texts.setdefault
        return {
            series[number]: same(value, value) if type(value) is str else value
            for number, value in json.loads(text)
        }

    def _read_judged(self, text: str) -> Mapping[SeriesName, Judged]:
        return {
            self._series[number]: Judged(status, since)
            for status, since, numbers in json.loads(text)
            for number in numbers
        }


def _series(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, number FROM series"))
