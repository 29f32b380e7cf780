// The board by its Arduino API: clock, serial port, microphone.
#pragma once

#include "board.h"
#include "sample_ring.h"

namespace earshot {

// Filled by the microphone's interrupt.
extern SampleRing microphone_ring;

class ArduinoBoard final : public Board {
 public:
  // Opens the serial port and waits for a host: until one listens, the real board drops what it
  // sends.
  void begin();

  const char* name() override;
  uint32_t clock_hz() override;
  const char* icache() override;
  void set_icache(bool on) override;
  uint32_t micros() override;
  uint32_t millis() override;
  void write(const char* text, int count) override;
  void flush() override;
  bool start_microphone() override;
  void stop_microphone() override;
  bool read_cycles(uint32_t* now) override;
};

}  // namespace earshot
