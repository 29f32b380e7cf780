// What the model is to take next: bytes as the host sent them, or the newest features in the
// model's own terms.
#pragma once

#include <cstdint>

#include "src/EarshotFrontEnd/front_end.h"
#include "variant.h"

namespace earshot {

// Kept apart from the engine's input tensor, whose memory an engine may use for other things while
// it runs.
class ModelInput {
 public:
  // Fills all slices with silence.
  void clear();

  // Takes in a slice of the front end and forgets the oldest one. With f = feature - kFeatureZero,
  // int8: clamp((f * 256 + divisor / 2) / divisor + zero point), rounded down; float: f *
  // kFeatureStep. If kLeveled, the value after the channels is the slice's level, and load() shifts
  // the first channel of all slices by the highest.
  void add(const uint16_t slice[kSliceValues]);

  // Begins with raw bytes, then takes one after the other; kInputBytes of them.
  void begin_bytes();
  void add_byte(uint8_t byte) { bytes_[next_++] = byte; }

  // Copies everything to the engine's input tensor.
  void load() const;

 private:
  // Of slices the oldest one, the next to be overwritten; of raw bytes the next one. Slices lie in
  // a ring.
  uint32_t next_ = 0;
  alignas(4) uint8_t bytes_[kInputBytes] = {};
  static constexpr int kLevels = kLeveled ? kClipSlices : 1;
  bool holds_slices_ = false;
  uint16_t first_[kLevels] =
      {};  // of slices as they lie in bytes_: the first channel, and the level
  uint16_t level_[kLevels] = {};
};

}  // namespace earshot
