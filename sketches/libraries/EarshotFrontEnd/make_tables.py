"""Generates src/tables.h: every constant table of the front end, to the last bit of the original's.

    python sketches/libraries/EarshotFrontEnd/make_tables.py > sketches/libraries/EarshotFrontEnd/src/tables.h

Formulas and parameters: TensorFlow's tensorflow/lite/experimental/microfrontend/lib (window_util.c,
filterbank_util.c, pcan_gain_control_util.c, log_lut.c) and kissfft in 16 bits (kiss_fft.c, kiss_fftr.c).
The original calculates in double precision and keeps in single what it names: there `_single` stands.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise
from math import cos, floor, log1p, log2, pi, sin

SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 480
FFT_SAMPLES = 512
CHANNELS = 40
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
PCAN_STRENGTH, PCAN_OFFSET, PCAN_GAIN_BITS = 0.95, 80.0, 21
PCAN_INPUT_BITS = 10 - 3
"""Fractional bits of the noise estimate: smoothing bits less the correction for the FFT and filter bank."""
LOG_SEGMENTS = 128

HZ_PER_BIN = 0.5 * SAMPLE_RATE / (FFT_SAMPLES / 2)
FIRST_BIN = floor(1.5 + LOWEST_HZ / HZ_PER_BIN)


def _single(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _rounded(value: float) -> int:
    return floor(value + 0.5)


def window() -> list[int]:
    """Hann window, 12 fractional bits."""
    step = _single(2 * pi / WINDOW_SAMPLES)
    return [_rounded(_single(0.5 - 0.5 * cos(step * (i + 0.5))) * 4096) for i in range(WINDOW_SAMPLES)]


def _packed_phase(phase: float) -> int:
    """e^(i phase) in 15 fractional bits: real part in the low half, imaginary part in the high half."""
    real, imaginary = _rounded(32767 * cos(phase)), _rounded(32767 * sin(phase))
    return (imaginary & 0xFFFF) << 16 | (real & 0xFFFF)


def twiddles() -> list[int]:
    """Of a complex FFT of 256, as far as radix-4 butterflies reach: factors 3 k with k < 64."""
    return [_packed_phase(-2 * pi * i / 256) for i in range(3 * 63 + 1)]


def real_twiddles() -> list[int]:
    """Factors 1 to 128 that make a real FFT of 512 out of a complex one of 256."""
    return [_packed_phase(-pi * ((i + 1) / 256 + 0.5)) for i in range(128)]


def digit_reversal() -> list[int]:
    """Where butterfly i of the first stage begins to read: the base-4 digits of i in reverse."""
    return [(i & 3) << 4 | i & 0b1100 | i >> 4 for i in range(64)]


def _mel(hz: float) -> float:
    return _single(1127.0 * log1p(hz / 700.0))


def filter_bank() -> tuple[list[int], list[int]]:
    """Bins between neighboring centers, and the 12-bit weight of each bin in the lower one's triangle.

    Below the first of the 41 centers there is no channel: of these bins only the complement counts.
    """
    lowest, highest = _mel(LOWEST_HZ), _mel(HIGHEST_HZ)
    spacing = _single(_single(highest - lowest) / (CHANNELS + 1))
    centers = [_single(lowest + _single(spacing * i)) for i in range(CHANNELS + 2)]
    widths, weights = [], []
    frequency_bin = FIRST_BIN
    for below, center in pairwise(centers):
        begin = frequency_bin
        while (mel := _mel(frequency_bin * HZ_PER_BIN)) <= center:
            weight = _single(_single(center - mel) / _single(center - below))
            assert _rounded(weight * 4096) + _rounded((1 - weight) * 4096) == 4096
            weights.append(_rounded(weight * 4096))
            frequency_bin += 1
        widths.append(frequency_bin - begin)
    return widths, weights


def _gain(noise: int) -> int:
    return min(
        32767, _rounded(2**PCAN_GAIN_BITS * (noise / 2**PCAN_INPUT_BITS + PCAN_OFFSET) ** -PCAN_STRENGTH)
    )


def gain_segments() -> list[tuple[int, int, int]]:
    """The PCAN gain as a parabola for each octave of the noise estimate: from 2, 4, 8, … 2^31."""
    segments = []
    for octave in range(1, 32):
        begin = 2**octave
        end = begin + begin - 1 if octave == 31 else 2 * begin
        at_begin, at_middle, at_end = _gain(begin), _gain(begin + begin // 2), _gain(end)
        linear = 4 * (at_middle - at_begin) - (at_end - at_begin)
        segments.append((at_begin, linear, at_end - at_begin - linear))
    return segments


def log_segments() -> list[int]:
    """log2(1 + x) - x in 16 bits, at the beginning of 128 segments and at the end of the last."""
    places = [i / LOG_SEGMENTS for i in range(LOG_SEGMENTS + 1)]
    return [_rounded(65536 * (log2(1 + place) - place)) for place in places]


def _array(comment: str, declaration: str, values: Iterable[object]) -> str:
    lines, line = [f"// {comment}", f"constexpr {declaration} = {{"], ""
    for text in (f"{value}," for value in values):
        if len(line) + len(text) + 1 > 96:
            lines.append(line)
            line = ""
        line += f" {text}" if line else f"    {text}"
    return "\n".join([*lines, line, "};"])


def header() -> str:
    """The whole text of tables.h."""
    widths, weights = filter_bank()
    arrays = [
        _array("Hann window, 12 fractional bits.", f"int16_t kWindow[{WINDOW_SAMPLES}]", window()),
        _array(
            "FFT of 256: e^(-2 pi i k / 256), 15 fractional bits, imaginary part in the high half.",
            f"uint32_t kTwiddles[{len(twiddles())}]",
            (f"0x{value:08x}" for value in twiddles()),
        ),
        _array(
            "Real FFT of 512 out of a complex one of 256: e^(-pi i ((k + 1) / 256 + 1 / 2)).",
            f"uint32_t kRealTwiddles[{len(real_twiddles())}]",
            (f"0x{value:08x}" for value in real_twiddles()),
        ),
        _array(
            "Where butterfly i of the FFT's first stage begins to read: base-4 digits in reverse.",
            "uint8_t kDigitReversal[64]",
            digit_reversal(),
        ),
        f"// Frequency bins that reach a channel; {HZ_PER_BIN} Hz each.\n"
        f"constexpr int kFirstBin = {FIRST_BIN};\nconstexpr int kBins = {len(weights)};",
        _array(
            "Bins below each channel's center, down to the center before; the last is above channel 39.",
            f"uint8_t kBinsBelowCenter[{len(widths)}]",
            widths,
        ),
        _array(
            "What of a bin goes to the channel below; 4096 less it goes to the channel above. 12 bits.",
            f"uint16_t kWeights[{len(weights)}]",
            weights,
        ),
        "// Automatic gain as a parabola over an octave of the noise estimate.\n"
        "struct GainSegment {\n  int16_t begin;\n  int16_t linear;\n  int16_t quadratic;\n};",
        _array(
            "Gain at a noise estimate of 0 and of 1.", "int16_t kGainBelowOctaves[2]", [_gain(0), _gain(1)]
        ),
        _array(
            "Octaves that begin at 2, 4, … 2^31.",
            f"GainSegment kGain[{len(gain_segments())}]",
            (f"{{{a}, {b}, {c}}}" for a, b, c in gain_segments()),
        ),
        _array(
            "log2(1 + i / 128) - i / 128, 16 fractional bits.",
            f"uint16_t kLogSegments[{len(log_segments())}]",
            log_segments(),
        ),
    ]
    return (
        "// Constant tables of the front end. Generated by make_tables.py.\n"
        "// clang-format off\n"
        "#pragma once\n\n#include <cstdint>\n\nnamespace earshot {\n\n"
        + "\n\n".join(arrays)
        + "\n\n}  // namespace earshot\n"
    )


if __name__ == "__main__":
    print(header(), end="")
