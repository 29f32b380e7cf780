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
  // Fills all slices with features of 0, which is silence.
  void clear();

  // Takes in a slice of features and forgets the oldest one.
  // int8: clamp((feature * 256 + divisor / 2) / divisor + zero point); float: feature * 10 / 256.
  void add(const uint16_t slice[kChannels]);

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
};

}  // namespace earshot
