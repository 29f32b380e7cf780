// What is done to each channel after the filter bank: noise reduction, automatic gain, logarithm.
//
// Bit-exact with TensorFlow's experimental microfrontend (noise_reduction.c, pcan_gain_control.c,
// log_scale.c).
#pragma once

#include <cstdint>

#include "filter_bank.h"

namespace earshot {

// Turns a slice's magnitudes into its features, and follows the noise in each channel.
void finish_channels(const uint32_t magnitudes[kChannels], uint32_t noise[kChannels],
                     uint16_t slice[kChannels]);

}  // namespace earshot
