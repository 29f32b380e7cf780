// Numbers as text, without printf and its heap.
#pragma once

#include <cstdint>

namespace earshot {

constexpr int kUnsignedChars = 10;             // 4294967295
constexpr int kDecimalChars = 1 + 10 + 1 + 8;  // -4294967295.00000000
constexpr int kDecimals = 8;  // exact for multiples of 1 / 256, the usual output scale

// Write at most as many characters as the constants above say, no terminator; return how many.

int print_unsigned(uint32_t value, char* text);

// The low `digits` (1 to 8) hex digits, upper case.
int print_hex(uint32_t value, int digits, char* text);

// A true decimal with 8 digits behind the point, rounded half away from zero: "-0.00390625",
// "1.00000000". "nan" is that; from 2^32 on, infinity included, the magnitude is printed as
// 4294967295.00000000.
int print_decimal(float value, char* text);

}  // namespace earshot
