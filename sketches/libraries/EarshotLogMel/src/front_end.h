// Log-mel front end: 16 kHz audio to slices of 40 channels, every 20 ms from 30 ms of sound.
//
// The same integers as models/data/front_ends/log_mel.py. No heap, no tables made at run time.
#pragma once

#include <cstdint>

#include "../EarshotMel/mel_stream.h"
#include "log_mel_tables.h"

namespace earshot {

constexpr int kChannels = kMelChannels;

// A slice is its channels; 0 is 0.
constexpr int kSliceValues = kChannels;
constexpr int32_t kFeatureZero = 0;
constexpr float kFeatureStep = 1.0f / 1024;  // a product with it is exact
constexpr bool kLeveled = false;
inline int32_t level_shift(uint16_t) { return 0; }
inline uint16_t leveled(uint16_t feature, int32_t) { return feature; }

class FrontEnd : public MelStream {
 public:
  // Takes the next `count` samples of the stream, at most samples_wanted(). Returns whether they
  // complete a slice, which is then written to `slice`.
  bool process(const int16_t* samples, int count, uint16_t slice[kSliceValues]);
};

}  // namespace earshot
