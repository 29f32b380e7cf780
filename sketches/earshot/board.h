// What the sketch asks of the board it runs on; arduino_board.cpp answers with the Arduino API,
// tests with plain C++.
#pragma once

#include <cstdint>

namespace earshot {

class Board {
 public:
  virtual const char* name() = 0;
  virtual uint32_t clock_hz() = 0;
  virtual const char* icache() = 0;  // "on", "off" or "none"
  // Switches the instruction cache, where that is possible: icache() tells.
  virtual void set_icache(bool on) = 0;

  // Time since reset; wraps at 2^32.
  virtual uint32_t micros() = 0;
  virtual uint32_t millis() = 0;

  // Sends to the host. May wait for it, and so is never called within a timed stage.
  virtual void write(const char* text, int count) = 0;
  // Waits until everything written is on its way.
  virtual void flush() = 0;

  // From the one to the other, sound arrives in the SampleRing. Returns whether the microphone
  // works.
  virtual bool start_microphone() = 0;
  virtual void stop_microphone() = 0;

  // The processor's cycles since reset; wraps at 2^32. Returns whether the clock counts them.
  virtual bool read_cycles(uint32_t* now) = 0;

 protected:
  ~Board() = default;
};

}  // namespace earshot
