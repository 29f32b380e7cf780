#include "Arduino.h"

namespace {

uint8_t modes[NUM_DIGITAL_PINS];
bool outputs[NUM_DIGITAL_PINS];

}  // namespace

void pinMode(pin_size_t pin, int mode) {
  if (pin < NUM_DIGITAL_PINS) modes[pin] = static_cast<uint8_t>(mode);
}

void digitalWrite(pin_size_t pin, int status) {
  if (pin < NUM_DIGITAL_PINS) outputs[pin] = status != LOW;
}

int digitalRead(pin_size_t pin) {
  if (pin >= NUM_DIGITAL_PINS) return LOW;
  const bool high = modes[pin] == OUTPUT ? outputs[pin] : modes[pin] == INPUT_PULLUP;
  return high ? HIGH : LOW;
}
