#include "decimal.h"

#include <cstring>

namespace earshot {

namespace {
constexpr uint32_t kFractionUnits = 100000000;  // 10^kDecimals
}

int print_unsigned(uint32_t value, char* text) {
  int digits = 1;
  for (uint32_t rest = value; rest >= 10; rest /= 10) ++digits;
  for (int i = digits - 1; i >= 0; --i) {
    text[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return digits;
}

int print_hex(uint32_t value, int digits, char* text) {
  for (int i = digits - 1; i >= 0; --i) {
    text[i] = "0123456789ABCDEF"[value & 15];
    value >>= 4;
  }
  return digits;
}

int print_decimal(float value, char* text) {
  // In integers: a double of the fraction would be exact too, but takes 3 KB of library on a board
  // without one.
  uint32_t bits;
  static_assert(sizeof(bits) == sizeof(value), "float is IEEE 754 single precision");
  std::memcpy(&bits, &value, sizeof(bits));
  const bool negative = bits >> 31;
  const int exponent = bits >> 23 & 0xff;
  uint32_t mantissa = bits & 0x7fffff;
  if (exponent == 0xff && mantissa != 0) {
    std::memcpy(text, "nan", 3);
    return 3;
  }
  if (exponent > 0) mantissa |= 0x800000;

  uint32_t whole = 0, fraction = 0;
  const int shift = 150 - (exponent > 0 ? exponent : 1);  // value = mantissa / 2^shift
  if (shift < -8) {
    whole = 0xffffffff;
  } else if (shift <= 0) {
    whole = mantissa << -shift;
  } else if (shift < 64) {  // smaller ones are less than half a unit
    const uint64_t rest = shift < 24 ? mantissa & ((1u << shift) - 1) : mantissa;
    whole = shift < 24 ? mantissa >> shift : 0;
    fraction =
        static_cast<uint32_t>((rest * kFractionUnits + (uint64_t{1} << (shift - 1))) >> shift);
    if (fraction == kFractionUnits) {
      fraction = 0;
      ++whole;
    }
  }

  char* end = text;
  if (negative) *end++ = '-';
  end += print_unsigned(whole, end);
  *end++ = '.';
  char digits[kUnsignedChars];
  const int count =
      print_unsigned(kFractionUnits + fraction, digits);  // a leading 1 keeps the zeros
  std::memcpy(end, digits + 1, count - 1);
  return static_cast<int>(end + count - 1 - text);
}

}  // namespace earshot
