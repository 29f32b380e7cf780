#include "Arduino.h"
#include "clock.h"
#include "semihosting.h"

namespace {

// A host that wants to know of every change of a pin puts this file there.
constexpr char kLogFile[] = "pins.log";

struct Change {
  uint64_t cycles;  // since reset, those that the board slept included
  uint32_t pin, is_high;
};

uint8_t modes[NUM_DIGITAL_PINS];
bool outputs[NUM_DIGITAL_PINS];
emulated::Handle log = -1;
bool log_is_sought = false;

void log_change(pin_size_t pin, bool is_high) {
  using namespace emulated;
  Uncounted scope;
  if (!log_is_sought) {
    log_is_sought = true;
    const Handle found = open_file(kLogFile, Mode::kRead);
    if (found >= 0) {
      close_file(found);
      log = open_file(kLogFile, Mode::kAppend);
    }
  }
  const Change change = {now_cycles(), pin, is_high};
  if (log >= 0) write_file(log, &change, sizeof change);
}

}  // namespace

void pinMode(pin_size_t pin, int mode) {
  if (pin < NUM_DIGITAL_PINS) modes[pin] = static_cast<uint8_t>(mode);
}

void digitalWrite(pin_size_t pin, int status) {
  const bool is_high = status != LOW;
  if (pin >= NUM_DIGITAL_PINS || outputs[pin] == is_high) return;
  outputs[pin] = is_high;
  log_change(pin, is_high);
}

int digitalRead(pin_size_t pin) {
  if (pin >= NUM_DIGITAL_PINS) return LOW;
  const bool high = modes[pin] == OUTPUT ? outputs[pin] : modes[pin] == INPUT_PULLUP;
  return high ? HIGH : LOW;
}
