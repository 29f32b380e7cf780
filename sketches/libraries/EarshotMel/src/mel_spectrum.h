// 30 ms of 16 kHz sound to the logarithm of 40 mel channels, in fixed point.
//
// The same integers as models/data/mel.py, which says what they follow. Included by the front ends
// that need it only: no other image has its code or tables.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mel_tables.h"

namespace earshot {

constexpr int kSampleRate = 16000;
constexpr int kWindowSamples = 480;  // 30 ms
constexpr int kStrideSamples = 320;  // 20 ms
constexpr int kStrideMs = 1000 * kStrideSamples / kSampleRate;
constexpr int kClipSlices = 49;  // of one second: (16000 - 480) / 320 + 1

constexpr int kLogBits = 16;

// log2(value) with 16 fractional bits, linear within 1/128 of an octave; value > 0.
inline int32_t log2_of(uint64_t value) {
  const int width = 64 - __builtin_clzll(value);
  const auto fraction = static_cast<uint32_t>((value << (64 - width) << 1) >> 41);  // 23 bits
  const uint32_t segment = fraction >> 16;
  const int32_t begin = kMelLogSegments[segment];
  const int32_t rise = kMelLogSegments[segment + 1] - begin;
  return ((width - 1) << kLogBits) + begin +
         static_cast<int32_t>((static_cast<uint32_t>(rise) * (fraction & 0xffff)) >> 16);
}

class MelSpectrum {
 public:
  // log2 of the magnitude in each channel of one window, of full scale 1; 16 fractional bits.
  void compute(const int16_t samples[kWindowSamples], int32_t channels[kMelChannels]) {
    uint32_t largest = 0;
    for (int i = 0; i < kWindowSamples; ++i) {
      const int32_t sample = samples[i];
      largest = std::max(largest, static_cast<uint32_t>(sample < 0 ? -sample : sample));
    }
    if (largest == 0) {
      std::fill(channels, channels + kMelChannels, kMelSilence);
      return;
    }
    // As far left as 16 bits allow: quiet sound would drown in rounding.
    const int shift = std::max(0, __builtin_clz(largest) - 17);
    load(samples, shift);
    transform();
    sum(channels, kMelUnitBits + shift);
  }

 private:
  static constexpr int kPoints =
      kMelPoints;  // of the complex FFT: even samples real, odd imaginary

  struct Complex {
    int32_t real, imaginary;
  };

  static int32_t upper_half(int32_t a, int32_t b) {
    return static_cast<int32_t>((static_cast<int64_t>(a) * b) >> 32);
  }

  // Half the product; each of its four parts is rounded down.
  static Complex multiply(Complex a, const int32_t b[2]) {
    return {upper_half(a.real, b[0]) + upper_half(-a.imaginary, b[1]),
            upper_half(a.real, b[1]) + upper_half(a.imaginary, b[0])};
  }

  // Applies the window, and writes the points in the order that the FFT reads: bits in reverse.
  void load(const int16_t* samples, int shift) {
    for (int i = 0, reversed = 0; i < kPoints; ++i) {
      points_[reversed] = 2 * i < kWindowSamples ? Complex{windowed(2 * i, samples, shift),
                                                           windowed(2 * i + 1, samples, shift)}
                                                 : Complex{0, 0};
      int bit = kPoints / 2;
      for (; reversed & bit; bit >>= 1) reversed ^= bit;
      reversed |= bit;
    }
  }

  static int32_t windowed(int i, const int16_t* samples, int shift) {
    const auto sample = static_cast<int16_t>(samples[i] * (1 << shift));
    return static_cast<int32_t>((static_cast<int64_t>(kMelWindow[i]) * sample) >> 16);
  }

  // 1/256 of the FFT: eight stages of radix 2, each halves.
  void transform() {
    for (int half = 1; half < kPoints; half *= 2) {
      const int step = kPoints / (2 * half);
      for (int k = 0; k < half; ++k) {
        const int32_t* twiddle = kMelTwiddles[k * step];
        for (Complex* a = points_ + k; a < points_ + kPoints; a += 2 * half) {
          Complex* b = a + half;
          const Complex turned = multiply(*b, twiddle);
          const int32_t real = a->real >> 1, imaginary = a->imaginary >> 1;
          *a = {real + turned.real, imaginary + turned.imaginary};
          *b = {real - turned.real, imaginary - turned.imaginary};
        }
      }
    }
  }

  // The magnitude of a bin, 64 for a sum of samples of 1: untangles the two real transforms that
  // the complex one holds.
  uint32_t magnitude(int bin) const {
    const Complex here = points_[bin], there = points_[kPoints - bin];
    const Complex odd = {(here.imaginary + there.imaginary) >> 1, (there.real - here.real) >> 1};
    const Complex turned = multiply(odd, kMelRealTwiddles[bin]);
    const int32_t real = (((here.real + there.real) >> 1) >> 1) + turned.real;
    const int32_t imaginary = (((here.imaginary - there.imaginary) >> 1) >> 1) + turned.imaginary;
    const uint64_t energy = static_cast<uint64_t>(static_cast<int64_t>(real) * real) +
                            static_cast<uint64_t>(static_cast<int64_t>(imaginary) * imaginary);
    // Single precision, rounded once in each step: a product with 2^32 is exact.
    const auto upper = static_cast<float>(static_cast<uint32_t>(energy >> 32));
    const auto lower = static_cast<float>(static_cast<uint32_t>(energy));
    return static_cast<uint32_t>(std::sqrt(upper * 4294967296.0f + lower));
  }

  // Each bin rises in one channel and falls in the one below.
  void sum(int32_t* channels, int unit_bits) const {
    const uint64_t offset = UINT64_C(1) << (unit_bits + kMelOffsetBits);
    int bin = kMelFirstBin;
    const uint16_t(*weights)[2] = kMelWeights;
    uint64_t below = 0;  // of the rising half
    for (int channel = 0; channel <= kMelChannels; ++channel) {
      uint64_t rising = 0, falling = 0;
      for (int n = kMelBins[channel]; n > 0; --n, ++bin, ++weights) {
        const uint64_t size = magnitude(bin);
        rising += size * (*weights)[0];
        falling += size * (*weights)[1];
      }
      if (channel > 0) {
        channels[channel - 1] = log2_of(below + falling + offset) - (unit_bits << kLogBits);
      }
      below = rising;
    }
  }

  Complex points_[kPoints];
};

}  // namespace earshot
