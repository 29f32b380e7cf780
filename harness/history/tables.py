"""A night as rows of SQLite, and back: what is judged and shown of it, without its samples.

`figures` has a row for each night and series, whether it was timed, is exact, or was only judged (because it
was missing, say). Texts that repeat, such as hashes and statuses, stand in `texts` once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from harness.results.record import NightRecord
from harness.results.regression.canary import CanaryReading
from harness.results.regression.from_record import kind_of
from harness.results.regression.nights import Exact, Judged, Night
from harness.results.regression.series import Measured, SeriesName

TABLES = """
CREATE TABLE made_by (code TEXT);
CREATE TABLE files (path TEXT PRIMARY KEY, size INT, mtime_ns INT, digest TEXT, kind TEXT, problem TEXT);
CREATE TABLE nights (
    number INTEGER PRIMARY KEY, digest TEXT UNIQUE, kind TEXT, id TEXT, board TEXT, uid TEXT,
    started TEXT, ended TEXT, commit_id TEXT, dirty INT, procedure INT, modelled INT, length_s REAL,
    fault TEXT, environment TEXT, faults TEXT, canary TEXT, confirmations TEXT,
    status TEXT, sentence TEXT, exit_code INT, figures INT
);
CREATE TABLE series (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT UNIQUE);
CREATE TABLE figures (
    night INT, series INT,
    value_us REAL, mean_us REAL, p99_us REAL, max_us REAL, blocks INT, identical INT, image INT, problem INT,
    exact_number, exact_text INT,
    status INT, since INT,
    PRIMARY KEY (night, series)
) WITHOUT ROWID;
"""

_NIGHT = f"INSERT INTO nights VALUES (NULL{', ?' * 21})"
_FIGURE = f"INSERT INTO figures VALUES (?{', ?' * 13})"
_UNTIMED: tuple[Any, ...] = (None,) * 8


class Interned:
    """Numbers for what repeats: the texts or the series of a connection.

    Args:
        connection: to an index.
        table: "texts" or "series".
    """

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection, self._table = connection, table
        self._numbers: dict[str, int] = dict(
            connection.execute(f"SELECT {'name' if table == 'series' else 'text'}, number FROM {table}")
        )

    def number(self, text: str) -> int:
        """Of a text, which is kept if it is new."""
        if text not in self._numbers:
            self._numbers[text] = len(self._numbers) + 1
            self._connection.execute(f"INSERT INTO {self._table} VALUES (?, ?)", (self._numbers[text], text))
        return self._numbers[text]


class Writer:
    """Puts nights into an index; of one that cannot be written nothing is kept.

    Args:
        connection: to the index, within a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._intern()

    def _intern(self) -> None:
        self._texts, self._series = (
            Interned(self._connection, "texts"),
            Interned(self._connection, "series"),
        )

    def write(self, night: Night, record: NightRecord) -> None:
        """Adds a night.

        Args:
            night: of the record.
            record: for its kind and what was said of it.

        Raises:
            OverflowError: a number is larger than 64 bits.
            ValueError: a text is none that UTF-8 can hold.
        """
        self._connection.execute("SAVEPOINT night")
        try:
            self._write(night, record)
        except BaseException:
            self._connection.execute("ROLLBACK TO night")
            self._intern()  # what was new in it is gone
            raise
        finally:
            self._connection.execute("RELEASE night")

    def _write(self, night: Night, record: NightRecord) -> None:
        verdict = record.verdict
        figures = list(self._figures(night))
        cursor = self._connection.execute(
            _NIGHT,
            (
                night.digest,
                kind_of(record),
                night.id,
                night.board,
                night.uid,
                night.started,
                night.ended,
                night.commit,
                night.dirty,
                night.procedure,
                night.modelled,
                night.length_s,
                night.fault,
                json.dumps(night.environment),
                json.dumps([[*who, why] for who, why in night.faults.items()]),
                json.dumps(night.canary and [_listed(night.canary.first), _listed(night.canary.last)]),
                json.dumps({str(name): _listed(again) for name, again in night.confirmations.items()}),
                verdict.status if verdict else "",
                verdict.sentence if verdict else "",
                verdict.exit_code if verdict else None,
                len(figures),
            ),
        )
        number = cursor.lastrowid
        self._connection.executemany(_FIGURE, ((number, *figure) for figure in figures))

    def _figures(self, night: Night) -> Iterable[tuple[Any, ...]]:
        number = self._texts.number
        for name in night.times.keys() | night.exact.keys() | night.judged.keys():
            measured, exact, judged = night.times.get(name), night.exact.get(name), night.judged.get(name)
            timed = _UNTIMED
            if measured:
                timed = (*_numbers(measured), number(measured.image), number(measured.problem))
            yield (
                self._series.number(str(name)),
                *timed,
                None if isinstance(exact, str) else exact,
                number(exact) if isinstance(exact, str) else None,
                number(judged.status) if judged else None,
                number(judged.since) if judged else None,
            )


def _numbers(measured: Measured) -> tuple[Any, ...]:
    return (
        measured.value_us,
        measured.mean_us,
        measured.p99_us,
        measured.max_us,
        measured.blocks,
        measured.identical,
    )


def _listed(measured: Measured | None) -> list[Any] | None:
    return [*_numbers(measured), measured.image, measured.problem] if measured else None


def read_nights(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row]) -> Iterable[Night]:
    """Nights with their figures.

    Args:
        connection: to an index.
        rows: of its table of nights.

    Raises:
        LookupError, TypeError, ValueError: the index is not whole.
    """
    texts: dict[int | None, str] = dict(connection.execute("SELECT number, text FROM texts"))
    series = {
        number: SeriesName.parse(name)
        for number, name in connection.execute("SELECT number, name FROM series")
    }
    shared: dict[str, Mapping[str, str]] = {}  # nights of one environment have the same one
    for row in rows:
        environment = shared.setdefault(row["environment"], json.loads(row["environment"]))
        yield _night(connection, row, environment, texts, series)


def _night(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    environment: Mapping[str, str],
    texts: Mapping[int | None, str],
    series: Mapping[int, SeriesName],
) -> Night:
    times: dict[SeriesName, Measured] = {}
    exact: dict[SeriesName, Exact] = {}
    judged: dict[SeriesName, Any] = {}
    count = 0
    figures = connection.execute("SELECT * FROM figures WHERE night = ?", (row["number"],))
    for _, which, value, mean, p99, most, blocks, same, image, problem, plain, text, status, since in figures:
        name = series[which]
        if blocks is not None:
            times[name] = Measured(value, mean, p99, most, blocks, bool(same), texts[image], texts[problem])
        if plain is not None or text is not None:
            exact[name] = texts[text] if plain is None else plain
        if status is not None:
            judged[name] = Judged(texts[status], texts[since])  # type: ignore[arg-type]
        count += 1
    if count != row["figures"]:
        raise LookupError(f"{count} of {row['figures']} figures of night {row['id']}")
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
        environment=environment,
        procedure=row["procedure"],
        modelled=bool(row["modelled"]),
        times=times,
        exact=exact,
        canary=canary and CanaryReading(*(each and Measured(*each) for each in canary)),
        length_s=row["length_s"],
        confirmations={
            SeriesName.parse(name): Measured(*again)
            for name, again in json.loads(row["confirmations"]).items()
        },
        faults={(variant, engine): why for variant, engine, why in json.loads(row["faults"])},
        fault=row["fault"],
        judged=judged,
    )
