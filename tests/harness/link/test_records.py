"""The parser of records: events, losses, and no exception for any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_lines import boot_line, crc16, inference_line, record

from harness.link.events import Boot, Detection, End, Inference, Loss, Overrun, Pcm, Reply
from harness.link.records import RecordParser, checksum

fewer = settings(max_examples=40)  # of the streams, which take long to draw

IMAGE = ("tiny_conv_int8", "0123abcd", "89abcdef", "codegen", "reference")


def parse(*lines: bytes) -> list:
    parser = RecordParser()
    return [event for number, line in enumerate(lines) for event in parser.feed(line, float(number))]


def lost_in(events: list) -> int:
    return sum(event.lost for event in events if isinstance(event, Loss))


def test_the_checksum_is_crc_16_ccitt_false():
    assert crc16(b"123456789") == 0x29B1  # the check value of the catalog of CRC algorithms
    assert checksum(b"123456789") == b"29B1"


def test_each_type_of_record():
    assert parse(
        boot_line(),
        record("inf", 0, 20, 1, 4100, 52000, 30, 0, 12, 230, 13),
        record("det", 1, 860, "yes", 214),
        record("ovr", 2, 900, 256),
        record("pcm", 3, 904, 128, "0100FFFF"),
        record("end", 4, 1, 1, 1, 16000),
    ) == [
        Boot(0.0, 2, "emulated", *IMAGE, 64_000_000, "off", 9000),
        Inference(1.0, 0, 20, 1, 4100, 52000, 30, (0, 12, 230, 13)),
        Detection(2.0, 1, 860, "yes", 214),
        Overrun(3.0, 2, 900, 256),
        Pcm(4.0, 3, 904, 128, b"\x01\x00\xff\xff"),
        End(5.0, 4, 1, 1, 1, 16000),
    ]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_line_end_does_not_matter(end):
    assert parse(inference_line(0) + end) == parse(inference_line(0))


@pytest.mark.parametrize(
    "text", ["m-ready", "m-results-[0.000,0.996]", "e-[Unknown command: x]", "m-model-[a$b]"]
)
def test_replies_of_the_device_api_pass_through(text):
    assert parse(text.encode() + b"\r\n") == [Reply(0.0, text)]


def test_other_text_is_no_event():
    assert parse(b"Initialization complete", b"", b"## time: soon", b"\xff\xfe\x00") == []


def test_a_gap_comes_before_the_next_record():
    assert parse(inference_line(0), inference_line(3))[1:] == [
        Loss(1.0, 2, "gap"),
        Inference(1.0, 3, 0, 1, 4100, 52000, 30, (0, 12, 230, 13)),
    ]


def test_a_garbled_record_is_counted_once():
    garbled = inference_line(1).replace(b"52000", b"52001")
    events = parse(inference_line(0), garbled, inference_line(2))
    losses = [event for event in events if isinstance(event, Loss)]
    assert losses == [Loss(1.0, 0, "checksum", garbled.decode()), Loss(2.0, 1, "gap")]


def test_a_repeated_record_is_dropped():
    parser = RecordParser()
    lines = [inference_line(0), inference_line(1), inference_line(0), inference_line(1), inference_line(2)]
    events = [event for line in lines for event in parser.feed(line, 0.0)]
    assert [event.sequence for event in events] == [0, 1, 2]
    assert lost_in(events) == 0


def test_numbers_start_again_after_an_end():
    events = parse(inference_line(0, 20), record("end", 1, 1, 0, 0, 320), inference_line(0, 30))
    assert [type(event) for event in events] == [Inference, End, Inference]


def test_an_announced_stream_may_equal_the_previous_one():
    parser = RecordParser()
    events = []
    for _ in range(2):
        parser.start(0.0)
        events += [*parser.feed(inference_line(0), 0.0), *parser.feed(record("end", 1, 1, 0, 0, 320), 0.0)]
    assert [type(event) for event in events] == [Inference, End, Inference, End]
    assert lost_in(events) == 0


def test_numbers_that_start_again_without_an_end_are_a_loss():
    assert parse(inference_line(0), inference_line(1, 20), record("ovr", 0, 5, 1))[2] == Loss(
        2.0, 1, "no end"
    )


def test_a_reset_in_the_middle_of_a_stream_is_a_loss():
    events = parse(inference_line(0), boot_line())
    assert events[1] == Loss(1.0, 1, "no end")
    assert isinstance(events[2], Boot)


def test_an_announced_stream_without_records_lost_its_end():
    parser = RecordParser()
    parser.start(0.0)
    assert parser.finish(9.0) == (Loss(9.0, 1, "no end"),)


def test_two_records_in_one_line_are_both_read():
    events = parse(inference_line(0) + inference_line(1))
    assert [event.sequence for event in events] == [0, 1]


def test_a_record_after_half_of_another_is_read():
    broken, whole = parse(inference_line(0)[:20] + inference_line(1))[0], parse(inference_line(1))[1]
    assert broken == Loss(0.0, 0, "checksum", (inference_line(0)[:20] + inference_line(1)).decode())
    assert whole in parse(inference_line(0)[:20] + inference_line(1))


def test_an_unknown_type_counts_in_the_sequence():
    assert [type(event) for event in parse(inference_line(0), record("new", 1, "x"), inference_line(2))] == [
        Inference,
        Inference,
    ]


@pytest.mark.parametrize(
    "fields",
    [
        ("inf", 0, 20, 1, 1, 1),
        ("inf", 0, 20, 1, 1, 1, "1_0", 3),
        ("inf", 0, 20, 1, 1, 1, "-1", 3),
        ("inf", 0, 20, 1, 1, 1, 4294967296, 3),
        ("inf", 0, 20, 1, 1, 1, 1, 3, 256),
        ("inf", 0, 20, 1, "", 1, 1, 3, 25),
        ("det", 0, 20, "", 3),
        ("det", 0, 20, "yes"),
        ("det", 0, 20, "yes", 256),
        ("ovr", 0, 20, "0" * 4000 + "1"),
        ("ovr", 0, 20, "9" * 5000),
        ("pcm", 0, 4, 0, ""),
        ("pcm", 0, 4, 0, "01"),
        ("pcm", 0, 4, 0, "01 0"),
        ("pcm", 0, 4, 0, "010G"),
        ("pcm", 0, 4, "0100"),
        ("end", 0, 1, 1),
        ("boot", 0, 1, "emulated"),
    ],
)
def test_malformed_fields_are_a_loss(fields):
    (event,) = parse(record(*fields))
    assert (event.lost, event.reason) == (1, "malformed")


@pytest.mark.parametrize("scores", [[], [99], [99, 0, 0], [99, 0, 0, 0, 0]])
def test_another_number_of_scores_than_labels_is_malformed(scores):
    parser = RecordParser(labels=4)
    (event,) = parser.feed(record("inf", 0, 20, 1, 4100, 52000, 30, *scores), 0.0)
    assert (event.lost, event.reason) == (1, "malformed")
    assert isinstance(parser.feed(inference_line(1, 40), 0.0)[0], Inference)


@pytest.mark.parametrize("totals", [(1, 0, 0), (0, 2, 0), (3, 0, 0), (2, 0, 1), (2**32 - 1, 0, 0)])
def test_an_end_with_other_records_than_were_sent_ends_nothing_complete(totals):
    parser = RecordParser()
    lines = [inference_line(0), inference_line(1), record("end", 2, *totals, 640)]
    events = [event for line in lines for event in parser.feed(line, 0.0)] + [*parser.finish(0.0)]
    assert [type(event) for event in events] == [Inference, Inference, Loss]
    assert lost_in(events) == 1


@pytest.mark.parametrize("absurd", [inference_line(2**32 - 1), inference_line(1, 2**32 - 1)])
def test_an_absurd_sequence_or_time_costs_its_own_record_only(absurd):
    events = parse(inference_line(0), absurd, inference_line(2, 20), record("end", 3, 3, 0, 0, 960))
    assert [event.sequence for event in events if not isinstance(event, Loss)] == [0, 2, 3]
    assert sum(event.lost for event in events if isinstance(event, Loss)) == 1


@fewer
@given(st.lists(st.tuples(st.sampled_from(["inf", "det", "ovr", "pcm"]), st.integers(0, 60)), max_size=30))
def test_the_time_of_a_stream_never_goes_backwards(records):
    fields = {"inf": (1, 1, 1, 1, 9), "det": ("yes", 200), "ovr": (256,), "pcm": (0, "0100")}
    parser = RecordParser()
    events = [
        event
        for sequence, (kind, ms) in enumerate(records)
        for event in parser.feed(record(kind, sequence, ms, *fields[kind]), 0.0)
    ]
    times = [event.device_ms for event in events if not isinstance(event, Loss)]
    assert times == sorted(times)
    assert len(times) + lost_in(events) == len(records)


@pytest.mark.parametrize("line", [b"m-ready", inference_line(0)])
def test_nul_bytes_around_a_line_do_not_count(line):
    assert parse(b"\0" + line + b"\0\r\n") == parse(line)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_raise_nothing(lines):
    parse(*lines)


@fewer
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["inf", "det", "ovr", "end", "boot", "x"]),
            st.lists(
                st.one_of(st.integers(-1, 1 << 33), st.text("0123456789+_ .yesé$*", max_size=6)), max_size=12
            ),
        ),
        max_size=8,
    )
)
def test_any_fields_with_a_right_checksum_raise_nothing(records):
    parser = RecordParser()
    events = [event for kind, fields in records for event in parser.feed(record(kind, *fields), 0.0)]
    assert lost_in(events) >= 0


@st.composite
def damaged_streams(draw):
    """Draw the lines that arrive, the intact records, and the number of records known to be lost."""
    kinds = draw(st.lists(st.sampled_from(["inf", "inf", "pcm", "det", "ovr"]), max_size=40))
    lines = []
    for sequence, kind in enumerate(kinds):
        if kind == "inf":
            lines.append(inference_line(sequence, sequence * 20))
        elif kind == "pcm":
            lines.append(record("pcm", sequence, sequence * 20, sequence * 4, 4 * f"{sequence:04X}"))
        else:
            lines.append(record(kind, sequence, sequence * 20, *(("yes", 210) if kind == "det" else (256,))))
    totals = [kinds.count(kind) for kind in ("inf", "det", "ovr")]
    lines.append(record("end", len(kinds), *totals, len(kinds) * 320))

    arriving: list[bytes] = []
    intact: list[int] = []
    cut = b""  # the start of a line whose end was lost and that runs into the next one
    for sequence, line in enumerate(lines):
        fate = draw(
            st.sampled_from(["keep", "keep", "keep", "drop", "garble", "repeat", "text", "cut", "join"])
        )
        if fate == "garble":
            place = draw(st.integers(0, len(line) - 1))
            byte = draw(
                st.integers(0, 255).filter(lambda b, old=line[place]: bytes([b]).upper() != bytes([old]))
            )
            garbled = line[:place] + bytes([byte]) + line[place + 1 :]
            if garbled.upper() != line.upper() and byte not in b"\n":
                arriving.append(garbled)
        elif fate == "cut":
            place = draw(st.integers(1, len(line) - 1))
            if draw(st.booleans()):
                arriving += [line[:place], line[place:]]
            else:
                cut += line[:place]
        elif fate == "join":
            cut += line
            intact.append(sequence)
        elif fate != "drop":
            arriving.append(cut + line)
            cut = b""
            intact.append(sequence)
            if fate == "repeat":
                arriving += arriving[-draw(st.integers(1, 3)) :]
            if fate == "text":
                arriving.append(draw(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))))
    if cut:
        arriving.append(cut)
    known = len(lines) if intact and intact[-1] == len(kinds) else (intact[-1] + 1 if intact else 0) + 1
    return arriving, intact, known - len(intact)


@fewer
@given(damaged_streams())
def test_the_count_of_lost_records_is_right_for_any_damage(stream):
    arriving, intact, lost = stream
    parser = RecordParser()
    parser.start(0.0)
    events = [event for line in arriving for event in parser.feed(line + b"\r\n", 0.0)]
    events += parser.finish(0.0)
    received = [
        event.sequence for event in events if isinstance(event, Inference | Detection | Overrun | Pcm | End)
    ]
    assert received == intact
    assert lost_in(events) == lost
    assert sum(event.lost for event in events if isinstance(event, Loss)) == lost


@fewer
@given(st.data())
def test_reordered_records_are_not_lost(data):
    count = data.draw(st.integers(1, 30))
    lines = [inference_line(sequence, sequence * 20) for sequence in range(count)]
    lines.append(record("end", count, count, 0, 0, count * 320))
    places = [place + data.draw(st.integers(0, 3)) for place in range(len(lines))]
    order = sorted(range(len(lines)), key=lambda place: (places[place], place))
    dropped = data.draw(st.sets(st.sampled_from(order)))
    arriving = [place for place in order if place not in dropped]

    parser = RecordParser()
    parser.start(0.0)
    events = [event for place in arriving for event in parser.feed(lines[place], 0.0)]
    events += parser.finish(0.0)
    assert [event.sequence for event in events if isinstance(event, Inference | End)] == arriving
    highest = max(arriving, default=-1)
    known = len(lines) if highest == count else highest + 2
    assert lost_in(events) == known - len(arriving)


@fewer
@given(st.lists(st.binary(max_size=80) | st.integers(0, 12).map(inference_line), max_size=60))
def test_memory_is_bounded_and_losses_are_never_negative(lines):
    parser = RecordParser()
    events = [event for line in lines for event in parser.feed(line, 0.0)]
    events += parser.finish(0.0)
    assert lost_in(events) >= 0
    assert len(parser._recent) <= 8
    assert len(parser._missing) <= 8


def test_a_late_record_is_no_longer_lost():
    events = parse(inference_line(0), inference_line(2), inference_line(1), inference_line(3))
    assert [event.lost for event in events if isinstance(event, Loss)] == [1, -1]
    assert [event.sequence for event in events if isinstance(event, Inference)] == [0, 2, 1, 3]


def test_a_record_after_the_end_belongs_to_its_stream():
    parser = RecordParser()
    lines = (inference_line(0), record("end", 2, 2, 0, 0, 640), inference_line(1))
    events = [event for line in lines for event in parser.feed(line, 0.0)]
    assert parser.finish(0.0) == ()
    assert lost_in(events) == 0
