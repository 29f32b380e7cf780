// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2")

#include "front_end.h"

#include <algorithm>

#include "channel.h"

namespace earshot {

namespace {
// How fast the noise estimate follows, in 14 bits: 0.025 in even channels, 0.06 in odd ones.
constexpr uint32_t kSmoothing[2] = {409, 983};
}  // namespace

void FrontEnd::reset() {
  held_ = 0;
  std::fill(noise_, noise_ + kChannels, 0);
}

bool FrontEnd::process(const int16_t* samples, int count, uint16_t slice[kChannels]) {
  std::copy(samples, samples + count, samples_ + held_);
  held_ += count;
  if (held_ < kWindowSamples) return false;

  const int shift = spectrum_.compute(samples_);
  std::copy(samples_ + kStrideSamples, samples_ + kWindowSamples, samples_);
  held_ -= kStrideSamples;

  uint32_t magnitudes[kChannels];
  filter_bank(spectrum_.energies(), shift, magnitudes);
  for (int i = 0; i < kChannels; ++i) {
    const uint32_t signal = reduce_noise(magnitudes[i], kSmoothing[i & 1], &noise_[i]);
    slice[i] = log_scale(apply_gain(signal, noise_[i]));
  }
  return true;
}

}  // namespace earshot
