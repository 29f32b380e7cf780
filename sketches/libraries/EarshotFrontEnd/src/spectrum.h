// Samples to the energy of each frequency: window, real FFT of 512 in 16-bit fixed point, energy.
//
// Bit-exact with TensorFlow's experimental microfrontend (window.c, fft.cc, filterbank.c) over
// kissfft, whose radix-4 steps and rounding these are.
#pragma once

#include <cstdint>

#include "packed.h"

namespace earshot {

constexpr int kWindowSamples = 480;  // 30 ms at 16 kHz
constexpr int kFftSamples = 512;

class Spectrum {
 public:
  // Fills `energies` from one window of samples and returns by how many bits (0 to 15) the windowed
  // samples were shifted left to make use of all 16: an energy is 4^shift times what it would be
  // without.
  int compute(const int16_t samples[kWindowSamples]);

  // Energy of frequency bins 5 to 251, 31.25 Hz each; other places hold what was left there.
  const uint32_t* energies() const { return spectrum_; }

 private:
  int apply_window(const int16_t* samples);
  void transform_first_stage(int shift);

  Packed windowed_[kWindowSamples / 2];  // two samples each
  uint32_t spectrum_[kFftSamples / 2];   // complex, and then energies
};

}  // namespace earshot
