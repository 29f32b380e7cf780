// Complex numbers of 2 x 16 bits in a word, with the rounding of kissfft in 16-bit fixed point.
//
// One instruction an operation on a Cortex-M4 (Armv7-M architecture reference manual, parallel
// arithmetic), plain C++ elsewhere. Sums wrap around in 16 bits, as kissfft's do.
#pragma once

#include <cstdint>

namespace earshot {

// Real part in the low half, imaginary part in the high half.
using Packed = uint32_t;

inline Packed pack(int32_t real, int32_t imaginary) {
  return (static_cast<uint32_t>(imaginary) << 16) | (static_cast<uint32_t>(real) & 0xffff);
}

inline int32_t real_of(Packed a) { return static_cast<int16_t>(a & 0xffff); }
inline int32_t imaginary_of(Packed a) { return static_cast<int16_t>(a >> 16); }

#if defined(__ARM_FEATURE_DSP)

#define EARSHOT_PACKED_OPERATION(name, instruction)                 \
  inline Packed name(Packed a, Packed b) {                          \
    Packed result;                                                  \
    asm(instruction " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); \
    return result;                                                  \
  }

EARSHOT_PACKED_OPERATION(add, "sadd16")
EARSHOT_PACKED_OPERATION(subtract, "ssub16")
// a - i b
EARSHOT_PACKED_OPERATION(add_turned_back, "ssax")
// a + i b
EARSHOT_PACKED_OPERATION(add_turned, "sasx")
// (a + b) / 2 and (a - b) / 2, rounded down; nothing is lost in between.
EARSHOT_PACKED_OPERATION(half_sum, "shadd16")
EARSHOT_PACKED_OPERATION(half_difference, "shsub16")
// Real part of a, imaginary part of b.
EARSHOT_PACKED_OPERATION(real_and_imaginary, "pkhbt")
#undef EARSHOT_PACKED_OPERATION

// |a| squared; below 2^31 unless both parts are -32768.
inline uint32_t energy(Packed a) {
  uint32_t result;
  asm("smuad %0, %1, %1" : "=r"(result) : "r"(a));
  return result;
}

// a * b / 32768, rounded; |b| <= 32767.
inline Packed multiply(Packed a, Packed b) {
  uint32_t real, imaginary;
  const int32_t half = 1 << 14;
  asm("smlsd %0, %1, %2, %3" : "=r"(real) : "r"(a), "r"(b), "r"(half));
  asm("smladx %0, %1, %2, %3" : "=r"(imaginary) : "r"(a), "r"(b), "r"(half));
  Packed result;
  asm("pkhtb %0, %1, %2, asr #15" : "=r"(result) : "r"(imaginary << 1), "r"(real));
  return result;
}

// a / kDivisor as kissfft divides: times 32767 / kDivisor, rounded.
template <int kDivisor>
inline Packed divide(Packed a) {
  // Twice the factor brings the quotient to the upper half of the product, where it is packed from.
  const int32_t factor = 2 * (32767 / kDivisor), half = 1 << 15;
  int32_t real, imaginary;
  asm("smlabb %0, %1, %2, %3" : "=r"(real) : "r"(a), "r"(factor), "r"(half));
  asm("smlatb %0, %1, %2, %3" : "=r"(imaginary) : "r"(a), "r"(factor), "r"(half));
  Packed result;
  asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(imaginary), "r"(real));
  return result;
}

// |a| of each part; that of -32768 is 0x8000.
inline Packed magnitudes_of(Packed a) {
  Packed result;
  asm("ssub16 %0, %1, %2\n\tsel %0, %0, %2" : "=&r"(result) : "r"(0), "r"(a));
  return result;
}

// Each part of a times one of the weights in 12 fractional bits, rounded down. |weight| <= 4096
inline Packed weighted(Packed a, Packed weights) {
  int32_t low, high;
  asm("smulbb %0, %1, %2" : "=r"(low) : "r"(a), "r"(weights));
  asm("smultt %0, %1, %2" : "=r"(high) : "r"(a), "r"(weights));
  Packed result;
  asm("pkhtb %0, %1, %2, asr #12" : "=r"(result) : "r"(high << 4), "r"(low));
  return result;
}

// The same with the weights exchanged.
inline Packed weighted_mirrored(Packed a, Packed weights) {
  int32_t low, high;
  asm("smulbt %0, %1, %2" : "=r"(low) : "r"(a), "r"(weights));
  asm("smultb %0, %1, %2" : "=r"(high) : "r"(a), "r"(weights));
  Packed result;
  asm("pkhtb %0, %1, %2, asr #12" : "=r"(result) : "r"(high << 4), "r"(low));
  return result;
}

// divide<4>(a << shift), for parts that keep their value when they are shifted left; shift: 0
// to 15.
inline Packed divide_shifted(Packed a, int shift) {
  const int32_t half = (1 << 14) >> shift;
  int32_t real, imaginary;
  asm("smlabb %0, %1, %2, %3" : "=r"(real) : "r"(a), "r"(32767 / 4), "r"(half));
  asm("smlatb %0, %1, %2, %3" : "=r"(imaginary) : "r"(a), "r"(32767 / 4), "r"(half));
  real <<= shift + 1, imaginary <<= shift + 1;
  Packed result;
  asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(imaginary), "r"(real));
  return result;
}

#else

inline Packed add(Packed a, Packed b) {
  return pack(real_of(a) + real_of(b), imaginary_of(a) + imaginary_of(b));
}

inline Packed subtract(Packed a, Packed b) {
  return pack(real_of(a) - real_of(b), imaginary_of(a) - imaginary_of(b));
}

// a - i b
inline Packed add_turned_back(Packed a, Packed b) {
  return pack(real_of(a) + imaginary_of(b), imaginary_of(a) - real_of(b));
}

// a + i b
inline Packed add_turned(Packed a, Packed b) {
  return pack(real_of(a) - imaginary_of(b), imaginary_of(a) + real_of(b));
}

// (a + b) / 2 and (a - b) / 2, rounded down; nothing is lost in between.
inline Packed half_sum(Packed a, Packed b) {
  return pack((real_of(a) + real_of(b)) >> 1, (imaginary_of(a) + imaginary_of(b)) >> 1);
}

inline Packed half_difference(Packed a, Packed b) {
  return pack((real_of(a) - real_of(b)) >> 1, (imaginary_of(a) - imaginary_of(b)) >> 1);
}

// Real part of a, imaginary part of b.
inline Packed real_and_imaginary(Packed a, Packed b) { return pack(real_of(a), imaginary_of(b)); }

// |a| squared; below 2^31 unless both parts are -32768.
inline uint32_t energy(Packed a) {
  return static_cast<uint32_t>(real_of(a) * real_of(a)) +
         static_cast<uint32_t>(imaginary_of(a) * imaginary_of(a));
}

inline int32_t rounded(int32_t product) { return (product + (1 << 14)) >> 15; }

// a * b / 32768, rounded; |b| <= 32767.
inline Packed multiply(Packed a, Packed b) {
  return pack(rounded(real_of(a) * real_of(b) - imaginary_of(a) * imaginary_of(b)),
              rounded(real_of(a) * imaginary_of(b) + imaginary_of(a) * real_of(b)));
}

// a / kDivisor as kissfft divides: times 32767 / kDivisor, rounded.
template <int kDivisor>
inline Packed divide(Packed a) {
  const int32_t factor = 32767 / kDivisor;
  return pack(rounded(real_of(a) * factor), rounded(imaginary_of(a) * factor));
}

// |a| of each part; that of -32768 is 0x8000.
inline Packed magnitudes_of(Packed a) {
  return pack(real_of(a) < 0 ? -real_of(a) : real_of(a),
              imaginary_of(a) < 0 ? -imaginary_of(a) : imaginary_of(a));
}

// Each part of a times one of the weights in 12 fractional bits, rounded down. |weight| <= 4096
inline Packed weighted(Packed a, Packed weights) {
  return pack((real_of(a) * real_of(weights)) >> 12,
              (imaginary_of(a) * imaginary_of(weights)) >> 12);
}

// The same with the weights exchanged.
inline Packed weighted_mirrored(Packed a, Packed weights) {
  return weighted(a, pack(imaginary_of(weights), real_of(weights)));
}

// divide<4>(a << shift), for parts that keep their value when they are shifted left; shift: 0
// to 15.
inline Packed divide_shifted(Packed a, int shift) {
  return divide<4>(pack(real_of(a) * (1 << shift), imaginary_of(a) * (1 << shift)));
}

#endif

}  // namespace earshot
