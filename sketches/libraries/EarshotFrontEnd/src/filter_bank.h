// Energies of frequency bins to magnitudes of mel-spaced channels.
//
// Bit-exact with TensorFlow's experimental microfrontend (filterbank.c).
#pragma once

#include <cstdint>

namespace earshot {

constexpr int kChannels = 40;  // 125 to 7500 Hz

// Args:
//   energies: by frequency bin, of Spectrum.
//   shift: by how much the samples were shifted left, 0 to 15; undone here.
//   magnitudes: of each channel, scaled by 64 (the square root of the 12-bit weights); filled.
void filter_bank(const uint32_t* energies, int shift, uint32_t magnitudes[kChannels]);

// The square root, rounded; values below 2^32 never round up to 65536. value < 2^56.
uint32_t rounded_root(uint64_t value);

}  // namespace earshot
