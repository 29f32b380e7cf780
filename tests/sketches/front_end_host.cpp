// The front end for ctypes.
#include "filter_bank.h"
#include "front_end.h"

namespace {
earshot::FrontEnd front_end;
}

extern "C" {

void front_end_reset() { front_end.reset(); }

// Feeds `count` samples in pieces of at most `piece`; returns how many slices were written to
// `slices`.
int front_end_feed(const int16_t* samples, int count, int piece, uint16_t* slices) {
  int written = 0;
  while (count > 0) {
    int taken = front_end.samples_wanted();
    if (taken > piece) taken = piece;
    if (taken > count) taken = count;
    if (front_end.process(samples, taken, slices + written * earshot::kChannels)) ++written;
    samples += taken;
    count -= taken;
  }
  return written;
}

uint32_t front_end_root(uint64_t value) { return earshot::rounded_root(value); }
}
