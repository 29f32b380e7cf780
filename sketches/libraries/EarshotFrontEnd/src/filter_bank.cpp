// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2", "no-math-errno")

#include "filter_bank.h"

#include <cmath>

#include "tables.h"

namespace earshot {

namespace {
constexpr uint32_t kUnitWeight = 4096;
}

void filter_bank(const uint32_t* energies, int shift, uint32_t magnitudes[kChannels]) {
  const uint32_t* energy = energies + kFirstBin;
  const uint16_t* weight = kWeights;
  uint64_t from_below = 0;  // what the bins below a channel's lower neighbor's center leave to it
  for (int i = 0; i <= kChannels; ++i) {
    uint64_t falling = 0, rising = 0;
    for (int n = kBinsBelowCenter[i]; n > 0; --n) {
      falling += static_cast<uint64_t>(*energy) * *weight;
      rising += static_cast<uint64_t>(*energy++) * (kUnitWeight - *weight++);
    }
    // The first interval lies below channel 0: it only rises.
    if (i > 0) magnitudes[i - 1] = rounded_root(from_below + falling) >> shift;
    from_below = rising;
  }
}

uint32_t rounded_root(uint64_t value) {
  // The estimate is off by a few units at most; what is returned does not depend on it.
  const auto upper = static_cast<float>(static_cast<uint32_t>(value >> 32));
  const auto lower = static_cast<float>(static_cast<uint32_t>(value));
  auto root = static_cast<uint32_t>(std::sqrt(upper * 4294967296.0f + lower));
  auto rest = static_cast<int64_t>(value - static_cast<uint64_t>(root) * root);
  while (rest < 0) rest += 2 * static_cast<int64_t>(--root) + 1;
  while (rest > 2 * static_cast<int64_t>(root)) rest -= 2 * static_cast<int64_t>(root++) + 1;
  const bool in_16_bits = value >> 32 == 0;
  if (rest > root && !(in_16_bits && root == 0xffff)) ++root;
  return root;
}

}  // namespace earshot
