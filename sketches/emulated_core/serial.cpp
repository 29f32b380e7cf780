#include "Arduino.h"
#include "clock.h"
#include "microphone.h"
#include "semihosting.h"

SerialPort Serial;

namespace {

emulated::Handle input = -1;
emulated::Handle output = -1;

}  // namespace

void SerialPort::begin(uint32_t baud) {
  (void)baud;
  emulated::Uncounted scope;
  input = emulated::open_file(emulated::kStandardStream, emulated::Mode::kRead);
  output = emulated::open_file(emulated::kStandardStream, emulated::Mode::kWrite);
}

// Waits for bytes from the host.
bool SerialPort::receive() {
  flush();
  received_next_ = 0;
  received_end_ = emulated::read_file(input, received_, sizeof received_);
  if (received_end_ == 0) emulated::stop("the host has closed the serial port");
  return true;
}

SerialPort::operator bool() {
  emulated::Uncounted scope;
  return received_next_ < received_end_ || receive();
}

int SerialPort::available() {
  emulated::Uncounted scope;
  if (emulated::microphone_plays()) return 0;
  return received_next_ < received_end_ || receive();
}

int SerialPort::read() {
  emulated::Uncounted scope;
  if (emulated::microphone_plays() || received_next_ >= received_end_) return -1;
  return received_[received_next_++];
}

size_t SerialPort::write(const void* bytes, size_t count) {
  emulated::Uncounted scope;
  const uint8_t* next = static_cast<const uint8_t*>(bytes);
  for (size_t n = 0; n < count; ++n) {
    to_send_[to_send_count_++] = next[n];
    if (next[n] == '\n' || to_send_count_ == sizeof to_send_) flush();
  }
  return count;
}

void SerialPort::flush() {
  emulated::Uncounted scope;
  if (to_send_count_ > 0) emulated::write_file(output, to_send_, to_send_count_);
  to_send_count_ = 0;
}
