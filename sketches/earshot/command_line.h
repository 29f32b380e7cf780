// Characters from the host become commands: words between blanks, up to a percent sign.
#pragma once

#include <cstdint>

namespace earshot {

// Bytes that a line of hex digits carries at most. The benchmark's runner sends 31, for a buffer of
// 80 characters; a longer line saves the waiting for as many replies when a clip is loaded.
constexpr int kMaxHexBytes = 512;
constexpr int kMaxCommandChars = 3 + 2 * kMaxHexBytes;  // "db " and the digits

class CommandLine {
 public:
  // Takes a character. Returns whether it completes a command; line ends, which terminals send, are
  // nothing.
  bool add(char character);

  // True if the command was longer than kMaxCommandChars: its end is missing.
  bool too_long() const { return too_long_; }

  // The next word of the complete command; empty after the last.
  const char* next_word();

  // Makes ready for the next command.
  void clear();

 private:
  char text_[kMaxCommandChars + 1] = {};
  int length_ = 0;
  int next_ = 0;
  bool too_long_ = false;
};

// Reads a decimal number. Returns whether the text is one, below 2^32.
bool parse_unsigned(const char* text, uint32_t* value);

}  // namespace earshot
