"""Lines of our sketch, built without the code under test."""

from __future__ import annotations


def crc16(body: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE, bit by bit: polynomial 0x1021, start 0xFFFF."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def record(*fields: object) -> bytes:
    """Return `$` type, sequence, fields `*` checksum, without a line end."""
    body = ",".join(str(field) for field in fields).encode()
    return b"$%b*%04X" % (body, crc16(body))


def boot_line(variant="tiny_conv_int8", model="0123abcd", build="89abcdef", protocol=2) -> bytes:
    image = (variant, model, build, "codegen", "reference")
    return record("boot", 0, protocol, "emulated", *image, 64_000_000, "off", 9000)


def inference_line(sequence: int, device_ms: int = 0) -> bytes:
    return record("inf", sequence, device_ms, 1, 4100, 52000, 30, 0, 12, 230, 13)
