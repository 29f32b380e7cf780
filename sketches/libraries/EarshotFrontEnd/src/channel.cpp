// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2")

#include "channel.h"

#include "bits.h"
#include "tables.h"

namespace earshot {

namespace {

constexpr int kNoiseBits = 10;      // fractional bits of the noise estimate
constexpr int kSmoothingBits = 14;  // fractional bits of the smoothing factors
// How fast the noise estimate follows: 0.025 in even channels, 0.06 in odd ones.
constexpr uint32_t kSmoothing[2] = {409, 983};
constexpr uint32_t kLeastRemaining = 819;  // 0.05 in 14 bits

constexpr int kGainShift =
    21 - 3 - 12;  // gain bits, less input correction, less bits of the signal-to-noise ratio
constexpr int kSnrBits = 12;
constexpr int kOutputBits = 6;

constexpr int kCorrectionBits =
    9 - 12 / 2;  // log2 of the FFT size, less half of the filter bank's weight bits
constexpr int kLogBits = 16;
constexpr int kLogSegmentBits = 7;
constexpr uint32_t kLogOf2 = 45426;  // ln 2 in 16 bits
constexpr int kOutputShift = 6;

// Gain by noise: a parabola within each octave of the noise.
uint32_t gain_of(uint32_t noise) {
  if (noise < 2) return kGainBelowOctaves[noise];
  const int width = bit_width(noise);
  const GainSegment& segment = kGain[width - 2];
  const int32_t place = (width < 11 ? noise << (11 - width) : noise >> (width - 11)) & 0x3ff;
  int32_t gain = (segment.quadratic * place) >> 5;
  gain = (gain + segment.linear * 32) * place;
  gain = ((gain + (1 << 14)) >> 15) + segment.begin;
  return static_cast<uint32_t>(static_cast<int16_t>(gain));
}

// log2 of x > 0 in 16 fractional bits.
uint32_t log2_of(uint32_t x) {
  const int whole = bit_width(x) - 1;
  const uint32_t above = x - (1u << whole);
  const uint32_t fraction =
      whole < kLogBits ? above << (kLogBits - whole) : above >> (whole - kLogBits);
  const uint32_t segment = fraction >> (kLogBits - kLogSegmentBits);
  const int32_t begin = kLogSegments[segment];
  const int32_t within = fraction & ((1u << (kLogBits - kLogSegmentBits)) - 1);
  // The original divides by the whole scale here, not by a segment's, and so do we.
  const int32_t slope = ((kLogSegments[segment + 1] - begin) * within) >> kLogBits;
  return (static_cast<uint32_t>(whole) << kLogBits) + fraction + begin + slope;
}

// Follows the noise with `smoothing` (of 2^14), a slow average in 10 fractional bits, and subtracts
// it from the magnitude; at least 5 % of the magnitude stay.
inline uint32_t reduce_noise(uint32_t magnitude, uint32_t smoothing, uint32_t* noise) {
  const uint32_t scaled = magnitude << kNoiseBits;
  const uint32_t estimate =
      (static_cast<uint64_t>(scaled) * smoothing +
       static_cast<uint64_t>(*noise) * ((1u << kSmoothingBits) - smoothing)) >>
      kSmoothingBits;
  *noise = estimate;
  const uint32_t least = (static_cast<uint64_t>(magnitude) * kLeastRemaining) >> kSmoothingBits;
  const uint32_t remaining = estimate < scaled ? (scaled - estimate) >> kNoiseBits : 0;
  return remaining > least ? remaining : least;
}

// Per-channel amplitude normalization (PCAN, Wang et al., "Trainable Frontend For Robust and
// Far-Field Keyword Spotting", 2016): the louder the noise the lower the gain; 6 fractional bits.
inline uint32_t apply_gain(uint32_t signal, uint32_t noise) {
  const auto ratio =
      static_cast<uint32_t>((static_cast<uint64_t>(signal) * gain_of(noise)) >> kGainShift);
  if (ratio < (2u << kSnrBits)) return (ratio * ratio) >> (2 + 2 * kSnrBits - kOutputBits);
  return (ratio >> (kSnrBits - kOutputBits)) - (1u << kOutputBits);
}

// Natural logarithm of 8 * signal, times 64: 0 to 1420.
inline uint16_t log_scale(uint32_t signal) {
  const uint32_t value = signal << kCorrectionBits;
  if (value <= 1) return 0;
  const uint32_t half = 1u << (kLogBits - 1);
  const auto natural =
      static_cast<uint32_t>((static_cast<uint64_t>(kLogOf2) * log2_of(value) + half) >> kLogBits);
  return static_cast<uint16_t>(((natural << kOutputShift) + half) >> kLogBits);
}

}  // namespace

void finish_channels(const uint32_t magnitudes[kChannels], uint32_t noise[kChannels],
                     uint16_t slice[kChannels]) {
  for (int i = 0; i < kChannels; ++i) {
    const uint32_t signal = reduce_noise(magnitudes[i], kSmoothing[i & 1], &noise[i]);
    slice[i] = log_scale(apply_gain(signal, noise[i]));
  }
}

}  // namespace earshot
