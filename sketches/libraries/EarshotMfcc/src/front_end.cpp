#include "front_end.h"

#include <algorithm>

namespace earshot {

namespace {

constexpr int kCoefficientShift = kLogBits + kMfccTableBits - 8;  // to steps of 1 / 256
constexpr int32_t kFullScale = 15 << kLogBits;                    // log2 of it

}  // namespace

int32_t level_shift(uint16_t level) {
  const int64_t octaves = kFullScale - log2_of(level);
  return static_cast<int32_t>((octaves * kMfccLevelFactor + (1 << 21)) >> 22);
}

uint16_t leveled(uint16_t feature, int32_t shift) {
  if (feature == kSilence[0]) return feature;
  return static_cast<uint16_t>(std::min<int32_t>(feature + shift, UINT16_MAX));
}

bool FrontEnd::process(const int16_t* samples, int count, uint16_t slice[kSliceValues]) {
  std::copy(samples, samples + count, samples_ + held_);
  held_ += count;
  if (held_ < kWindowSamples) return false;

  int32_t channels[kMelChannels];
  spectrum_.compute(samples_, channels);
  for (int i = 0; i < kChannels; ++i) {
    int64_t sum = INT64_C(1) << (kCoefficientShift - 1);
    for (int n = 0; n < kMelChannels; ++n) {
      sum += static_cast<int64_t>(channels[n]) * kMfccCosines[i][n];
    }
    const auto coefficient = static_cast<int32_t>(sum >> kCoefficientShift);
    slice[i] = static_cast<uint16_t>(
        std::min(std::max(coefficient, -kFeatureZero), kFeatureZero - 1) + kFeatureZero);
  }
  const int16_t largest = *std::max_element(samples_, samples_ + kWindowSamples);
  slice[kChannels] = static_cast<uint16_t>(std::max<int16_t>(largest, 1));

  std::copy(samples_ + kStrideSamples, samples_ + kWindowSamples, samples_);
  held_ -= kStrideSamples;
  return true;
}

}  // namespace earshot
