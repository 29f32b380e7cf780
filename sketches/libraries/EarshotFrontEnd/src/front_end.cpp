// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2")

#include "front_end.h"

#include <algorithm>

#include "channel.h"

namespace earshot {

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
  finish_channels(magnitudes, noise_, slice);
  return true;
}

}  // namespace earshot
