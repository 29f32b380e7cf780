// The micro front end: 16 kHz audio to slices of 40 features, every 20 ms from 30 ms of sound.
//
// Bit-exact with TensorFlow's audio_microfrontend op under the parameters of the micro_speech
// family. The algorithm is that of tensorflow/lite/experimental/microfrontend (Apache-2.0) over
// kissfft (BSD-3-Clause); the code is not. No heap, no tables made at run time.
#pragma once

#include <cstdint>

#include "filter_bank.h"
#include "spectrum.h"

namespace earshot {

constexpr int kSampleRate = 16000;
constexpr int kStrideSamples = 320;  // 20 ms
constexpr int kStrideMs = 1000 * kStrideSamples / kSampleRate;
constexpr int kClipSlices = 49;  // of one second: (16000 - 480) / 320 + 1

// What every front end says of its features, see model_input.h: a slice is its channels; 0 is 0; a
// step is worth 10 / 256.
constexpr int kSliceValues = kChannels;
constexpr int32_t kFeatureZero = 0;
constexpr float kFeatureStep = 10.0f / 256;  // a product with it is exact
constexpr uint16_t kSilence[kSliceValues] = {};
constexpr bool kLeveled = false;
inline int32_t level_shift(uint16_t) { return 0; }
inline uint16_t leveled(uint16_t feature, int32_t) { return feature; }

class FrontEnd {
 public:
  FrontEnd() { reset(); }

  // Forgets all sound: the next slice is that of the first 480 samples of a new stream. Call it
  // before each clip to get what the op computes for the clip alone; without it the noise estimate
  // runs on, as it does while listening.
  void reset();

  // Samples until the next slice: 480 after a reset, 1 to 320 later.
  int samples_wanted() const { return kWindowSamples - held_; }

  // Takes the next `count` samples of the stream, at most samples_wanted(). Returns whether they
  // complete a slice, which is then written to `slice`: 0 to 1420 for each channel, times 10 / 256
  // what a float model takes.
  bool process(const int16_t* samples, int count, uint16_t slice[kChannels]);

 private:
  int16_t samples_[kWindowSamples];
  int held_;
  uint32_t noise_[kChannels];
  Spectrum spectrum_;
};

}  // namespace earshot
