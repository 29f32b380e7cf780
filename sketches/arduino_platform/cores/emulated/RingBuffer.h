// A queue of bytes, as of ArduinoCore-API.
#pragma once

#include <stdint.h>

template <int N>
class RingBufferN {
 public:
  void store_char(uint8_t byte) {
    if (isFull()) return;
    _aucBuffer[(first_ + count_) % N] = byte;
    ++count_;
  }
  int read_char() {
    const int byte = peek();
    if (byte >= 0) {
      first_ = (first_ + 1) % N;
      --count_;
    }
    return byte;
  }
  int peek() const { return count_ > 0 ? _aucBuffer[first_] : -1; }
  void clear() { first_ = count_ = 0; }
  int available() const { return count_; }
  int availableForStore() const { return N - count_; }
  bool isFull() const { return count_ == N; }

  uint8_t _aucBuffer[N];  // sketches read it under this name

 private:
  int first_ = 0;
  int count_ = 0;
};

typedef RingBufferN<64> RingBuffer;
