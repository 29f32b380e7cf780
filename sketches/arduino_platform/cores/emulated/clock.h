// Board time: what the sketch's own instructions took, and the time it slept.
#pragma once

#include <cstdint>

namespace emulated {

constexpr uint32_t kCyclesPerMicrosecond = F_CPU / 1000000;

void start_clock();

// Cycles of F_CPU since reset.
uint64_t now_cycles();

// Of those, the ones that it slept.
uint64_t slept_cycles();

// Sleeps until then; nothing happens if that is past.
void sleep_until(uint64_t cycles);

// While one exists, instructions are not counted, and nothing interrupts. The cycle model leaves
// this folder's code out by its addresses; the count of instructions needs to be told.
class Uncounted {
 public:
  Uncounted();
  ~Uncounted();
  static bool exists();
  Uncounted(const Uncounted&) = delete;
  Uncounted& operator=(const Uncounted&) = delete;

 private:
  uint64_t start_;
  uint64_t uncounted_;
};

}  // namespace emulated
