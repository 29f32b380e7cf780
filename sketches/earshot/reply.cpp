#include "reply.h"

#include <cstring>

#include "src/EarshotRecords/decimal.h"

namespace earshot {

Reply& Reply::text(const char* text) {
  put(text, static_cast<int>(std::strlen(text)));
  return *this;
}

Reply& Reply::number(uint32_t value) {
  char digits[kUnsignedChars];
  put(digits, print_unsigned(value, digits));
  return *this;
}

Reply& Reply::hex(uint32_t value, int digits) {
  char text[8];
  put(text, print_hex(value, digits, text));
  return *this;
}

Reply& Reply::decimal(float value) {
  char text[kDecimalChars];
  put(text, print_decimal(value, text));
  return *this;
}

void Reply::end_line() {
  put("\r\n", 2);
  board_.write(line_, length_);
  length_ = 0;
}

void Reply::put(const char* text, int count) {
  for (; count > 0; --count) {
    if (length_ == sizeof(line_)) {
      board_.write(line_, length_);
      length_ = 0;
    }
    line_[length_++] = *text++;
  }
}

}  // namespace earshot
