// The part of the Arduino API that the sketch uses, on the emulated board.
//
// Code of this folder stands for hardware: it takes no board time and no board memory. Nothing
// interrupts the sketch: what an interrupt would do happens in yield() and between two passes of
// loop().
#pragma once

#include <cstddef>
#include <cstdint>

void setup();
void loop();

// Board time since reset: modeled cycles (or, without the cycle model, instructions) and idle
// time, at F_CPU. Wraps as on any Arduino: after 71 minutes and 50 days.
uint32_t micros();
uint32_t millis();

// Cycles of board time since reset, of which micros() is the 64th part, rounded down. Wraps after
// 67 s.
uint32_t emulated_cycles();

// The instruction cache as the board's clock assumes it: "on", "off", or "none" where instructions
// are counted. The real board has a register for it (NVMC ICACHECNF).
const char* emulated_icache();

// Handles what is due. With nothing due the CPU sleeps until the next microphone buffer, if the
// microphone plays.
void yield();

inline void interrupts() {}
inline void noInterrupts() {}

// The serial port; its other end is a pty on the host. Takes no board time.
class SerialPort {
 public:
  void begin(uint32_t baud);

  // Waits, with the board's time standing still, until the host has sent its first byte.
  explicit operator bool();

  // 1 when a byte can be read, never more: how many have arrived is a matter of the host's speed.
  // While the microphone plays the host is not heard: 0; but if there is a file `serial.in` (see
  // serial.cpp), 1 as soon as a byte has arrived. Otherwise waits for the host, with the board's
  // time standing still.
  int available();

  int read();  // the next byte, or -1

  size_t write(const void* bytes, size_t count);
  void flush();

 private:
  bool look();
  bool receive();

  uint8_t received_[4096] = {};  // a pty hands over at most so many at once
  uint32_t received_end_ = 0;
  uint32_t received_next_ = 0;
  uint8_t to_send_[1024] = {};  // a line, mostly: sent at its end, or when this is full
  uint32_t to_send_count_ = 0;
};

extern SerialPort Serial;
