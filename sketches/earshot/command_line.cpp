#include "command_line.h"

namespace earshot {

bool CommandLine::add(char character) {
  if (character == '%') return true;
  if (character == '\r' || character == '\n') return false;
  if (length_ == kMaxCommandChars) {
    too_long_ = true;
    return false;
  }
  text_[length_++] = character;
  return false;
}

const char* CommandLine::next_word() {
  while (next_ < length_ && text_[next_] == ' ') ++next_;
  const char* word = text_ + next_;
  while (next_ < length_ && text_[next_] != ' ') ++next_;
  text_[next_] = '\0';
  if (next_ < length_) ++next_;
  return word;
}

void CommandLine::clear() { length_ = next_ = too_long_ = 0; }

bool parse_unsigned(const char* text, uint32_t* value) {
  uint64_t number = 0;
  const char* end = text;
  for (; *end >= '0' && *end <= '9'; ++end) {
    number = number * 10 + static_cast<uint64_t>(*end - '0');
    if (number > UINT32_MAX) return false;
  }
  *value = static_cast<uint32_t>(number);
  return end != text && *end == '\0';
}

}  // namespace earshot
