"""The lines that a board sends, parsed into events. Pure: any bytes in, no exception out.

Our sketch sends `$<type>,<sequence>,<field>,…*<CRC>` with the CRC-16/CCITT-FALSE of what stands between `$`
and `*`. The sequence counts the records of a stream from 0; `end` closes a stream, and `boot` is a stream of
its own. Replies of the MLPerf Tiny device API and lines of the stock micro_speech sketch are recognized too.
"""

from __future__ import annotations

import re
from binascii import crc_hqx, unhexlify
from collections import deque
from collections.abc import Callable

from harness.link.events import Boot, Detection, End, Event, Inference, LoopTime, Loss, Overrun, Pcm, Reply

PROTOCOL_VERSION = 2
"""Of the records; the first field of `boot`."""

_CRC_START = (
    0xFFFF  # CRC-16/CCITT-FALSE: polynomial 0x1021, not reflected, no final xor: binascii's, started here
)
_LARGEST = 0xFFFFFFFF  # numbers on the board have 32 bits
_LARGEST_SCORE = 255
_LATE_WINDOW = 8  # records that may overtake one, as where datagrams carry the port
_DUPLICATE_WINDOW = 8  # what a serial driver sends twice is a block of at most 512 bytes, 8 records

_RECORD = re.compile(rb"\$([^$*]*)\*([0-9A-Fa-f]{4})")
_HEARD = re.compile(rb"Heard (.+?) \((?:(\d{1,3})|([01]\.\d{1,9}))\) @(\d{1,10})ms")
_LOOP_TIME = re.compile(rb"\b(min|max|avg) (\d{1,10}) ?ms")


def checksum(body: bytes) -> bytes:
    """The 4 upper-case hex digits of a record's CRC-16/CCITT-FALSE over what stands between `$` and `*`."""
    return b"%04X" % crc_hqx(body, _CRC_START)


class RecordParser:
    """Turns lines into events, and keeps count of what did not arrive.

    Attributes:
        lost: records that did not arrive intact, over all streams so far.
        garbled: lines that were meant as a record and are none, or hold more than intact records.
        duplicates: records that came once more; they are dropped.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.garbled = 0
        self.duplicates = 0
        self._recent: deque[bytes] = deque(maxlen=_DUPLICATE_WINDOW)
        self._missing: deque[int] = deque(maxlen=_LATE_WINDOW)  # the newest sequence numbers of gaps
        self._begin(is_open=False)

    def start(self, at_s: float) -> tuple[Event, ...]:
        """A stream begins (`listen%` was sent): its records count from 0, and it wants an `end`.

        Without this call a stream begins with its first record.

        Returns:
            The loss of the previous stream's `end`, if that one was still open.
        """
        before = self.finish(at_s)
        self._recent.clear()
        self._missing.clear()
        self._begin(is_open=True)
        return before

    def feed(self, line: bytes, at_s: float) -> tuple[Event, ...]:
        """The events of one line: mostly one or none, more after a gap.

        Args:
            line: with or without its line end; any bytes.
            at_s: when it arrived; goes into the events.
        """
        if b"$" not in line:
            return _event_of_text(line, at_s)
        line = line.rstrip()
        body = line[1:-5]
        if line[:1] == b"$" and line[-5:-4] == b"*" and checksum(body) == line[-4:].upper():
            return self._accept(body, at_s)
        return self._salvage(line, at_s)

    def finish(self, at_s: float) -> tuple[Event, ...]:
        """No more lines will come: a stream that is open has lost its `end`, and maybe more before that."""
        if not self._open:
            return ()
        loss = self._loss(at_s, 1, "no end")
        self._begin(is_open=False)
        return (loss,)

    def _begin(self, is_open: bool) -> None:
        self._open = is_open
        self._next = 0  # the sequence number to come
        self._received = 0  # intact records of the types that `end` counts
        self._lost_here = 0

    def _salvage(self, line: bytes, at_s: float) -> tuple[Event, ...]:
        """The intact records in a line that holds more, as when a lost chunk took a line end with it."""
        if line.startswith((b"m-", b"e-[")):
            return (Reply(at_s, _text(line)),)
        events: list[Event] = []
        intact_bytes = 0
        for match in _RECORD.finditer(line):
            if checksum(match[1]) == match[2].upper():
                events += self._accept(match[1], at_s)
                intact_bytes += len(match[0])
        if intact_bytes < len(line):
            self.garbled += 1
            events.insert(0, Loss(at_s, 0, "checksum", _text(line)))
        return tuple(events)

    def _accept(self, body: bytes, at_s: float) -> tuple[Event, ...]:
        """The events of a record with a right checksum."""
        kind, _, fields = body.partition(b",")
        if kind == b"boot":
            before = self.finish(at_s)
            return (*before, _boot(fields, at_s) or self._loss(at_s, 1, "malformed", _text(body)))
        parse = _PARSERS.get(kind)
        event = parse(fields, at_s) if parse else None
        sequence = event.sequence if event else _leading_number(fields)
        if sequence is None:
            return (self._loss(at_s, 0, "malformed", _text(body)),)  # its number will show as a gap

        before = ()
        if sequence != self._next or not self._open:
            if (
                body in self._recent
            ):  # also behind `end`: a stream that is not announced begins with something new
                self.duplicates += 1
                return ()
            if event and sequence in self._missing and (sequence < self._next or not self._open):
                return self._accept_late(event, sequence, body, at_s)
            if sequence < self._next:  # the numbers start again, without an `end`
                before = self.finish(at_s)
            if not self._open:
                self._missing.clear()
            if sequence > self._next:
                before += (self._loss(at_s, sequence - self._next, "gap"),)
                self._missing.extend(range(max(self._next, sequence - _LATE_WINDOW), sequence))
        self._recent.append(body)
        self._next = sequence + 1
        self._open = True
        if event is None:
            # A type that we do not know is a newer sketch's: no loss.
            return (*before, self._loss(at_s, 1, "malformed", _text(body))) if parse else before
        if type(event) is End:
            return (*before, *self._close(event), event)
        self._received += type(event) is not Pcm
        return (*before, event) if before else (event,)

    def _accept_late(self, event: Event, sequence: int, body: bytes, at_s: float) -> tuple[Event, ...]:
        """A record that others overtook has been counted as lost; an `end` has no others behind it."""
        self._missing.remove(sequence)
        self._recent.append(body)
        self._received += type(event) is not Pcm
        return (self._loss(at_s, -1, "late"), event)

    def _close(self, end: End) -> tuple[Event, ...]:
        """Ends the stream, with the loss that the board's totals show beyond the gaps."""
        sent = end.inferences + end.detections + end.overruns
        missing = sent - self._received - self._lost_here
        losses = (self._loss(end.at_s, missing, "totals"),) if missing > 0 else ()
        self._begin(is_open=False)
        return losses

    def _loss(self, at_s: float, lost: int, reason: str, text: str = "") -> Loss:
        self.lost += lost
        self._lost_here += lost
        return Loss(at_s, lost, reason, text)


def _text(line: bytes) -> str:
    return line.decode("ascii", "backslashreplace")


def _event_of_text(line: bytes, at_s: float) -> tuple[Event, ...]:
    """The event of a line that is no record: a reply, a line of the stock sketch, or nothing."""
    if line.startswith((b"m-", b"e-[")):
        return (Reply(at_s, _text(line.rstrip())),)
    if heard := _HEARD.search(line):
        label, score, probability, device_ms = heard.groups()
        # Newer versions of the stock sketch print a probability.
        value = int(score) if score else min(255, int(float(probability) * 256))
        return (Detection(at_s, None, int(device_ms), _text(label), value),)
    if line.startswith(b"## time:"):
        times = {name: int(value) for name, value in _LOOP_TIME.findall(line)}
        if times:
            return (LoopTime(at_s, times.get(b"min"), times.get(b"avg"), times.get(b"max")),)
    return ()


def _leading_number(fields: bytes) -> int | None:
    numbers = _numbers(fields.partition(b",")[0])
    return numbers[0] if numbers else None


def _numbers(fields: bytes) -> list[int] | None:
    """Unsigned decimals of at most 32 bits, separated by commas; None if there is anything else."""
    if fields.translate(None, b"0123456789,"):
        return None  # int() would accept signs, spaces and underscores
    try:
        numbers = [*map(int, fields.split(b","))]
    except ValueError:
        return None
    return numbers if max(numbers) <= _LARGEST else None


def _inference(fields: bytes, at_s: float) -> Inference | None:
    numbers = _numbers(fields)
    if numbers is None:
        return _partly_timed_inference(fields, at_s)
    if len(numbers) < 7:
        return None
    sequence, device_ms, slices, preprocess_us, inference_us, postprocess_us, *scores = numbers
    if max(scores) > _LARGEST_SCORE:
        return None
    return Inference(
        at_s, sequence, device_ms, slices, preprocess_us, inference_us, postprocess_us, tuple(scores)
    )


def _partly_timed_inference(fields: bytes, at_s: float) -> Inference | None:
    """An `inf` record in which the times that the board does not take are empty."""
    parts = fields.split(b",")
    times = parts[3:6]
    counts, scores = _numbers(b",".join(parts[:3])), _numbers(b",".join(parts[6:]))
    known = _numbers(b",".join(time or b"0" for time in times))
    if counts is None or scores is None or known is None or len(times) < 3 or max(scores) > _LARGEST_SCORE:
        return None
    preprocess_us, inference_us, postprocess_us = (
        value if time else None for time, value in zip(times, known, strict=True)
    )
    sequence, device_ms, slices = counts
    return Inference(
        at_s, sequence, device_ms, slices, preprocess_us, inference_us, postprocess_us, tuple(scores)
    )


def _detection(fields: bytes, at_s: float) -> Detection | None:
    parts = fields.split(b",")
    if len(parts) != 4 or not parts[2]:
        return None
    numbers = _numbers(b",".join((parts[0], parts[1], parts[3])))
    return None if numbers is None else Detection(at_s, numbers[0], numbers[1], _text(parts[2]), numbers[2])


def _overrun(fields: bytes, at_s: float) -> Overrun | None:
    numbers = _numbers(fields)
    return Overrun(at_s, *numbers) if numbers and len(numbers) == 3 else None


def _pcm(fields: bytes, at_s: float) -> Pcm | None:
    head, _, digits = fields.rpartition(b",")
    numbers = _numbers(head)
    if numbers is None or len(numbers) != 3 or not digits or len(digits) % 4:
        return None
    try:
        samples = unhexlify(digits)
    except ValueError:
        return None
    return Pcm(at_s, numbers[0], numbers[1], numbers[2], samples)


def _end(fields: bytes, at_s: float) -> End | None:
    numbers = _numbers(fields)
    return End(at_s, *numbers) if numbers and len(numbers) == 5 else None


def _boot(fields: bytes, at_s: float) -> Boot | None:
    parts = fields.split(b",")
    if len(parts) != 11:
        return None
    sequence, version, *names, clock_hz, icache, arena_bytes = parts
    numbers = _numbers(b",".join((sequence, version, clock_hz, arena_bytes)))
    if numbers is None:
        return None
    board, variant_id, model_sha256, build_id, engine, kernels = map(_text, names)
    return Boot(
        at_s,
        numbers[1],
        board,
        variant_id,
        model_sha256,
        build_id,
        engine,
        kernels,
        numbers[2],
        _text(icache),
        numbers[3],
    )


_PARSERS: dict[bytes, Callable[[bytes, float], Inference | Detection | Overrun | Pcm | End | None]] = {
    b"inf": _inference,
    b"det": _detection,
    b"ovr": _overrun,
    b"pcm": _pcm,
    b"end": _end,
}
