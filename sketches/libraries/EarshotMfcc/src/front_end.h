// MFCC front end: 16 kHz audio to slices of 10 coefficients, every 20 ms from 30 ms of sound.
//
// The same integers as models/data/front_ends/mfcc.py, which says what they follow. No heap, no
// tables made at run time.
#pragma once

#include <cstdint>

#include "../EarshotMel/mel_stream.h"
#include "mfcc_tables.h"

namespace earshot {

constexpr int kChannels = 10;

// A slice is its coefficients of full scale 1 and its largest sample, which is its level. The first
// coefficient of a window is shifted to what it were if the window's largest sample were full
// scale.
constexpr int kSliceValues = kChannels + 1;
constexpr int32_t kFeatureZero = 1 << 15;
constexpr float kFeatureStep = 1.0f / 256;  // a product with it is exact
constexpr bool kLeveled = true;

// The shift of the first coefficient for a level, in steps.
int32_t level_shift(uint16_t level);

// The first coefficient with a shift; that of digital silence stays.
uint16_t leveled(uint16_t feature, int32_t shift);

class FrontEnd : public MelStream {
 public:
  // Takes the next `count` samples of the stream, at most samples_wanted(). Returns whether they
  // complete a slice, which is then written to `slice`.
  bool process(const int16_t* samples, int count, uint16_t slice[kSliceValues]);
};

}  // namespace earshot
