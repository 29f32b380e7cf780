// Lines of text to the host, built piece by piece.
#pragma once

#include <cstdint>

#include "board.h"

namespace earshot {

class Reply {
 public:
  explicit Reply(Board& board) : board_(board) {}

  Reply& text(const char* text);
  Reply& number(uint32_t value);
  Reply& hex(uint32_t value, int digits);
  Reply& decimal(float value);
  void end_line();

 private:
  void put(const char* text, int count);

  Board& board_;
  char line_[128];  // sent when full or at a line's end: fewer and larger packets than one for each
                    // piece
  int length_ = 0;
};

}  // namespace earshot
