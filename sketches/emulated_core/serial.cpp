#include "Arduino.h"
#include "clock.h"
#include "microphone.h"
#include "semihosting.h"

SerialPort Serial;

namespace {

// The host may append what it sends to this file, and write anything to the standard input after
// that. At the file's end a read comes back with nothing, where one of a terminal would wait: so
// the host can be heard while the microphone plays, at a time that depends on the host's speed.
constexpr char kInputFile[] = "serial.in";

emulated::Handle input = -1;
emulated::Handle input_file = -1;  // where there is one
emulated::Handle output = -1;

bool hears_host() { return input_file >= 0 || !emulated::microphone_plays(); }

}  // namespace

void SerialPort::begin(uint32_t baud) {
  (void)baud;
  emulated::Uncounted scope;
  input = emulated::open_file(emulated::kStandardStream, emulated::Mode::kRead);
  input_file = emulated::open_file(kInputFile, emulated::Mode::kRead);
  output = emulated::open_file(emulated::kStandardStream, emulated::Mode::kWrite);
}

// Takes what the host has appended to its file. Returns whether there was anything.
bool SerialPort::look() {
  received_next_ = 0;
  received_end_ = emulated::read_file(input_file, received_, sizeof received_);
  return received_end_ > 0;
}

// Waits for bytes from the host.
bool SerialPort::receive() {
  flush();
  if (input_file >= 0) {
    while (!look()) {
      if (emulated::read_file(input, received_, sizeof received_) == 0) break;
    }
  } else {
    received_next_ = 0;
    received_end_ = emulated::read_file(input, received_, sizeof received_);
  }
  if (received_end_ == 0) emulated::stop("the host has closed the serial port");
  return true;
}

SerialPort::operator bool() {
  emulated::Uncounted scope;
  return received_next_ < received_end_ || receive();
}

int SerialPort::available() {
  emulated::Uncounted scope;
  if (!hears_host()) return 0;
  if (received_next_ < received_end_) return 1;
  return emulated::microphone_plays() ? look() : receive();
}

int SerialPort::read() {
  emulated::Uncounted scope;
  if (!hears_host() || received_next_ >= received_end_) return -1;
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
