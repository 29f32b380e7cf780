// The width of an integer in bits.
#pragma once

#include <cstdint>

namespace earshot {

// Bits up to the most significant one that is set: 0 for 0, 32 from 2^31 on.
inline int bit_width(uint32_t value) { return value == 0 ? 0 : 32 - __builtin_clz(value); }

}  // namespace earshot
