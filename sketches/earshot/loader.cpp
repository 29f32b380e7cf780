#include "loader.h"

#include <cstring>

#include "src/EarshotRecords/checksum.h"

namespace earshot {

namespace {

// The value of a hex digit, or -1.
int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

void Loader::expect_input() {
  loads_clip_ = false;
  remaining_ = kInputBytes;
  input_.begin_bytes();
}

void Loader::expect_clip(uint32_t bytes) {
  loads_clip_ = true;
  remaining_ = bytes;
  features_crc_ = 0;
  front_end_.reset();
  input_.clear();
}

Loader::Answer Loader::add(const char* digits) {
  if (remaining_ == 0) return Answer::kNotExpected;
  const auto count = std::strlen(digits);
  if (count % 2 != 0) return Answer::kOddDigits;
  for (const char* digit = digits; *digit; ++digit) {
    if (digit_value(*digit) < 0) return Answer::kNotHex;
  }
  for (; *digits && remaining_ > 0; digits += 2, --remaining_) {
    const auto byte = static_cast<uint8_t>(digit_value(digits[0]) << 4 | digit_value(digits[1]));
    if (loads_clip_) {
      take_sound(byte);
    } else {
      input_.add_byte(byte);
    }
  }
  return remaining_ == 0 ? Answer::kDone : Answer::kMore;
}

void Loader::take_sound(uint8_t byte) {
  const bool is_low = remaining_ % 2 == 0;
  if (is_low) {
    low_byte_ = byte;
    return;
  }
  const auto sample = static_cast<int16_t>(byte << 8 | low_byte_);
  uint16_t slice[kSliceValues];
  if (!front_end_.process(&sample, 1, slice)) return;
  input_.add(slice);
  features_crc_ = crc32(slice, sizeof(slice), features_crc_);
}

}  // namespace earshot
