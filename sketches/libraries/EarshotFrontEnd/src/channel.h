// What is done to one channel after the filter bank: noise reduction, automatic gain, logarithm.
//
// Bit-exact with TensorFlow's experimental microfrontend (noise_reduction.c, pcan_gain_control.c,
// log_scale.c).
#pragma once

#include <cstdint>

namespace earshot {

// Follows the noise with `smoothing` (of 2^14), a slow average in 10 fractional bits, and subtracts
// it from the magnitude; at least 5 % of the magnitude stay.
uint32_t reduce_noise(uint32_t magnitude, uint32_t smoothing, uint32_t* noise);

// Per-channel amplitude normalization (PCAN, Wang et al., "Trainable Frontend For Robust and
// Far-Field Keyword Spotting", 2016): the louder the noise the lower the gain; 6 fractional bits.
uint32_t apply_gain(uint32_t signal, uint32_t noise);

// Natural logarithm of 8 * signal, times 64: 0 to 1420.
uint16_t log_scale(uint32_t signal);

}  // namespace earshot
