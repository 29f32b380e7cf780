"""A parser of the lines that a board sends. Pure: any bytes in, events out, no exception.

The sketch sends `$<type>,<sequence>,<field>,…*<CRC>` with the CRC-16/CCITT-FALSE of the bytes between `$` and
`*`. The sequence counts the records of a stream from 0; `end` closes a stream, and `boot` is a stream of its
own. Replies of the MLPerf Tiny device API become events too.
"""

from __future__ import annotations

import re
from binascii import crc_hqx, unhexlify
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

from harness.link.events import Boot, Detection, End, Event, Inference, Loss, Overrun, Pcm, Reply

E = TypeVar("E", Overrun, End)

PROTOCOL_VERSION = 2
"""Version of the record format; the first field of `boot`."""

READY = "m-ready"
"""The last line of a reply."""

_CRC_START = 0xFFFF  # CRC-16/CCITT-FALSE: polynomial 0x1021, not reflected, no final xor
_LARGEST = 0xFFFFFFFF  # numbers on the board have 32 bits
_LARGEST_SCORE = 255
_NUMBERS = re.compile(rb"[0-9]{1,10}(?:,[0-9]{1,10})*")  # int() would accept signs, spaces and underscores
_LONGEST_MS = 1 << 31  # 24 days between two records
_LONGEST_GAP = 1 << 24  # 93 h of a board that reports 50 inferences a second
_LATE_WINDOW = 8  # records that may overtake one, as where datagrams carry the port
_DUPLICATE_WINDOW = 8  # a serial driver sends blocks of at most 512 bytes twice, which is 8 records

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_RECORD = re.compile(rb"\$([^$*]*)\*([0-9A-Fa-f]{4})")


def checksum(body: bytes) -> bytes:
    """Return the 4 upper-case hex digits of the CRC-16/CCITT-FALSE over the bytes between `$` and `*`."""
    return b"%04X" % crc_hqx(body, _CRC_START)


def intact_body(line: str) -> str:
    """Return the text between `$` and `*` of a line that is one record with the right checksum; else ""."""
    match = _RECORD.fullmatch(line.encode())
    return match[1].decode() if match and checksum(match[1]) == match[2].upper() else ""


class RecordParser:
    """A parser that counts the records that did not arrive, as `Loss` events.

    A record whose checksum is right is malformed with another number of scores than the model has labels,
    with a time before that of an earlier record, or as an `end` with fewer records than arrived or more than
    were sent.

    Args:
        labels: number of labels of the model that runs; None to accept any number of scores.
    """

    def __init__(self, labels: int | None = None) -> None:
        self._labels = labels
        self._recent: deque[bytes] = deque(maxlen=_DUPLICATE_WINDOW)
        self._missing: deque[int] = deque(maxlen=_LATE_WINDOW)  # the newest sequence numbers of gaps
        self._begin(is_open=False)

    def start(self, at_s: float) -> tuple[Event, ...]:
        """Begin the stream that follows `listen%`: expect sequence number 0 first and `end` last.

        Without this call a stream begins with its first record.

        Args:
            at_s: time of the call, copied into the returned event.

        Returns:
            The loss of the previous stream's `end`, if that stream was still open.
        """
        before = self.finish(at_s)
        self._recent.clear()
        self._missing.clear()
        self._begin(is_open=True)
        return before

    def feed(self, line: bytes, at_s: float) -> tuple[Event, ...]:
        """Return the events of one line: mostly one or none, more after a gap.

        Args:
            line: with or without its line end; any bytes. NUL bytes, a serial port's filler, are ignored.
            at_s: time of arrival, copied into the events.
        """
        line = line.replace(b"\0", b"")
        if b"$" not in line:
            return _event_of_text(line, at_s)
        line = line.rstrip()
        body = line[1:-5]
        if line[:1] == b"$" and line[-5:-4] == b"*" and checksum(body) == line[-4:].upper():
            return self._accept(body, at_s)
        return self._salvage(line, at_s)

    def finish(self, at_s: float) -> tuple[Event, ...]:
        """Return the loss of an open stream's `end`: no more lines will come."""
        if not self._open:
            return ()
        self._begin(is_open=False)
        return (Loss(at_s, 1, "no end"),)

    def _begin(self, is_open: bool) -> None:
        self._open = is_open
        self._next = 0  # the sequence number to come
        self._received: Counter[type] = Counter()  # intact records by type
        self._device_ms = 0  # of the newest record

    def _salvage(self, line: bytes, at_s: float) -> tuple[Event, ...]:
        """Return the intact records of a line that holds more, as after a lost chunk with a line end."""
        if line.startswith((b"m-", b"e-[")):
            return (Reply(at_s, text_of(line)),)
        events: list[Event] = []
        intact_bytes = 0
        for match in _RECORD.finditer(line):
            if checksum(match[1]) == match[2].upper():
                events += self._accept(match[1], at_s)
                intact_bytes += len(match[0])
        if intact_bytes < len(line):
            events.insert(0, Loss(at_s, 0, "checksum", text_of(line)))
        return tuple(events)

    def _accept(self, body: bytes, at_s: float) -> tuple[Event, ...]:
        """Return the events of a record with a right checksum."""
        kind, _, fields = body.partition(b",")
        if kind == b"boot":
            before = self.finish(at_s)
            return (*before, _boot(fields, at_s) or Loss(at_s, 1, "malformed", text_of(body)))
        parse = _PARSERS.get(kind)
        event = parse(fields, at_s) if parse else None
        if isinstance(event, Inference) and self._labels not in (None, len(event.scores)):
            event = None
        sequence = event.sequence if event else _leading_number(fields)
        if sequence is None or sequence - self._next >= _LONGEST_GAP:
            return (Loss(at_s, 0, "malformed", text_of(body)),)  # counted as a gap later

        before = ()
        if sequence != self._next or not self._open:
            if body in self._recent:  # also behind `end`: an unannounced stream begins with a new record
                return ()
            if event and sequence in self._missing and (sequence < self._next or not self._open):
                return self._accept_late(event, sequence, body, at_s)
            if sequence < self._next:  # the numbers start again, without an `end`
                before = self.finish(at_s)
            if not self._open:
                self._missing.clear()
            if sequence > self._next:
                before += (Loss(at_s, sequence - self._next, "gap"),)
                self._missing.extend(range(max(self._next, sequence - _LATE_WINDOW), sequence))
        self._recent.append(body)
        self._next = sequence + 1
        self._open = True
        if event and not self._is_plausible(event):
            event = None
        if event is None:
            if kind == b"end":
                self._begin(is_open=False)
            # An unknown type is a newer sketch's: no loss.
            return (*before, Loss(at_s, 1, "malformed", text_of(body))) if parse else before
        if isinstance(event, End):
            self._begin(is_open=False)
            return (*before, event)
        self._received[type(event)] += 1
        self._device_ms = event.device_ms
        return (*before, event) if before else (event,)

    def _is_plausible(self, event: Inference | Detection | Overrun | Pcm | End) -> bool:
        """Return False for a record that contradicts the model or the stream so far."""
        if isinstance(event, End):
            sent = {Inference: event.inferences, Detection: event.detections, Overrun: event.overruns}
            arrived = all(count >= self._received[kind] for kind, count in sent.items())
            return arrived and sum(sent.values()) <= event.sequence
        return 0 <= event.device_ms - self._device_ms < _LONGEST_MS

    def _accept_late(self, event: Event, sequence: int, body: bytes, at_s: float) -> tuple[Event, ...]:
        """Return the events of a record that others overtook: it has been counted as lost."""
        self._missing.remove(sequence)
        self._recent.append(body)
        self._received[type(event)] += 1
        return (Loss(at_s, -1, "late"), event)


def split_ready(text: str) -> tuple[str, bool]:
    """Split a line into the text before its `m-ready`, and whether it has one: line ends get lost.

    One that comes twice in a line ends one reply.
    """
    rest = text.rstrip()
    while rest.endswith(READY):
        rest = rest.removesuffix(READY).rstrip()
    return rest, rest != text.rstrip()


def text_of(line: bytes) -> str:
    """Return a line as printable ASCII; other bytes are written as `\\xNN`."""
    text = line.decode("ascii", "backslashreplace")
    return text if text.isprintable() else _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _event_of_text(line: bytes, at_s: float) -> tuple[Event, ...]:
    """Return the events of a line that is no record: replies, or none."""
    rest, ready = split_ready(text_of(line.rstrip()))
    texts = [rest] if rest.startswith(("m-", "e-[")) else []
    return tuple(Reply(at_s, text) for text in texts + [READY] * ready)


def _leading_number(fields: bytes) -> int | None:
    numbers = _numbers(fields.partition(b",")[0])
    return numbers[0] if numbers else None


def _numbers(fields: bytes) -> list[int] | None:
    """Parse unsigned decimals of at most 32 bits, separated by commas; None for anything else."""
    if not _NUMBERS.fullmatch(fields):
        return None
    numbers = [*map(int, fields.split(b","))]
    return numbers if max(numbers) <= _LARGEST else None


def _inference(fields: bytes, at_s: float) -> Inference | None:
    numbers = _numbers(fields)
    if numbers is None or len(numbers) < 7 or max(numbers[6:]) > _LARGEST_SCORE:
        return None
    sequence, device_ms, slices, preprocess_us, inference_us, postprocess_us, *scores = numbers
    return Inference(
        at_s, sequence, device_ms, slices, preprocess_us, inference_us, postprocess_us, tuple(scores)
    )


def _detection(fields: bytes, at_s: float) -> Detection | None:
    parts = fields.split(b",")
    if len(parts) != 4 or not parts[2]:
        return None
    numbers = _numbers(b",".join((parts[0], parts[1], parts[3])))
    if numbers is None or numbers[2] > _LARGEST_SCORE:
        return None
    return Detection(at_s, numbers[0], numbers[1], text_of(parts[2]), numbers[2])


def _of_numbers(kind: type[E], count: int, fields: bytes, at_s: float) -> E | None:
    """Parse a record whose fields are this many numbers."""
    numbers = _numbers(fields)
    return kind(at_s, *numbers) if numbers and len(numbers) == count else None


def _pcm(fields: bytes, at_s: float) -> Pcm | None:
    head, _, digits = fields.rpartition(b",")
    numbers = _numbers(head)
    if numbers is None or len(numbers) != 3 or not digits or len(digits) % 4:
        return None
    try:
        return Pcm(at_s, numbers[0], numbers[1], numbers[2], unhexlify(digits))
    except ValueError:
        return None


def _boot(fields: bytes, at_s: float) -> Boot | None:
    parts = fields.split(b",")
    if len(parts) != 11:
        return None
    sequence, version, *names, clock_hz, icache, arena_bytes = parts
    numbers = _numbers(b",".join((sequence, version, clock_hz, arena_bytes)))
    if numbers is None:
        return None
    board, variant_id, model_sha256, build_id, engine, kernels = map(text_of, names)
    identity = (board, variant_id, model_sha256, build_id, engine, kernels)
    return Boot(at_s, numbers[1], *identity, numbers[2], text_of(icache), numbers[3])


_PARSERS: dict[bytes, Callable[[bytes, float], Inference | Detection | Overrun | Pcm | End | None]] = {
    b"inf": _inference,
    b"det": _detection,
    b"ovr": lambda fields, at_s: _of_numbers(Overrun, 3, fields, at_s),
    b"pcm": _pcm,
    b"end": lambda fields, at_s: _of_numbers(End, 5, fields, at_s),
}
