#include "record.h"

#include <cstring>

#include "checksum.h"

namespace earshot {

RecordBuilder::RecordBuilder(char* line, int capacity, const char* type, uint32_t sequence)
    : line_(line), capacity_(capacity) {
  put("$", 1);
  put(type, static_cast<int>(std::strlen(type)));
  add(sequence);
}

RecordBuilder& RecordBuilder::add(uint32_t number) {
  char field[1 + kUnsignedChars] = {','};
  put(field, 1 + print_unsigned(number, field + 1));
  return *this;
}

RecordBuilder& RecordBuilder::add(const char* text) {
  put(",", 1);
  put(text, static_cast<int>(std::strlen(text)));
  return *this;
}

RecordBuilder& RecordBuilder::add(const int16_t* samples, int count) {
  put(",", 1);
  for (int i = 0; i < count; ++i) {
    const auto bits = static_cast<uint16_t>(samples[i]);
    char digits[4];
    print_hex(static_cast<uint32_t>((bits & 0xff) << 8 | bits >> 8), sizeof(digits), digits);
    put(digits, sizeof(digits));
  }
  return *this;
}

void RecordBuilder::finish() {
  if (!fits_) {
    length_ = 0;
    return;
  }
  char* tail = line_ + length_;
  *tail++ = '*';
  tail += print_hex(crc16(line_ + 1, length_ - 1), 4, tail);
  std::memcpy(tail, "\r\n", 2);
  length_ += kTailChars;
}

void RecordBuilder::put(const char* text, int count) {
  fits_ = fits_ && length_ + count + kTailChars <= capacity_;
  if (!fits_) return;
  std::memcpy(line_ + length_, text, count);
  length_ += count;
}

}  // namespace earshot
