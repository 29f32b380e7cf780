// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2")

#include "front_end.h"

namespace earshot {

bool FrontEnd::process(const int16_t* samples, int count, uint16_t slice[kSliceValues]) {
  int32_t channels[kMelChannels];
  int16_t largest;
  if (!complete_window(samples, count, channels, &largest)) return false;
  for (int i = 0; i < kChannels; ++i) {
    const int64_t above = channels[i] - kLogMelFloor;
    slice[i] = static_cast<uint16_t>((above * kLogMelFactor + (1 << 15)) >> 16);
  }
  return true;
}

}  // namespace earshot
