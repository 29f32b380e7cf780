// A stream of 16 kHz sound in windows of 30 ms, one every 20 ms: what the mel front ends share.
#pragma once

#include "mel_spectrum.h"

namespace earshot {

class MelStream {
 public:
  // Forgets all sound: the next window is the first 480 samples of a new stream.
  void reset() { held_ = 0; }

  // Samples until the next window: 480 after a reset, 1 to 320 later.
  int samples_wanted() const { return kWindowSamples - held_; }

 protected:
  // Takes samples as a front end's process() does. Returns whether they complete a window, whose
  // channels and largest sample are then written.
  bool complete_window(const int16_t* samples, int count, int32_t channels[kMelChannels],
                       int16_t* largest) {
    std::copy(samples, samples + count, samples_ + held_);
    held_ += count;
    if (held_ < kWindowSamples) return false;

    spectrum_.compute(samples_, channels);
    *largest = *std::max_element(samples_, samples_ + kWindowSamples);
    std::copy(samples_ + kStrideSamples, samples_ + kWindowSamples, samples_);
    held_ -= kStrideSamples;
    return true;
  }

 private:
  int16_t samples_[kWindowSamples];
  int held_ = 0;
  MelSpectrum spectrum_;
};

}  // namespace earshot
