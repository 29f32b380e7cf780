#include "Arduino.h"
#include "clock.h"
#include "live.h"
#include "microphone.h"
#include "semihosting.h"

SerialPort Serial;

namespace {

// A live board's host appends what it sends to this file. At the file's end a read comes back with
// nothing, where one of a terminal would wait.
constexpr char kInputFile[] = "serial.in";

emulated::Handle input = -1;
emulated::Handle input_file = -1;  // of a live board
emulated::Handle output = -1;

uint8_t received[4096];  // a pty hands over at most so many at once
uint32_t received_end = 0;
uint32_t received_next = 0;
uint8_t to_send[1024];  // a line, mostly: sent at its end, or when this is full
uint32_t to_send_count = 0;

bool hears_host() { return emulated::is_live() || !emulated::microphone_plays(); }

// Takes what a live board's host has appended to its file. Returns whether there was anything.
bool look() {
  received_next = 0;
  received_end = emulated::read_file(input_file, received, sizeof received);
  return received_end > 0;
}

// Waits for bytes from the host.
bool receive() {
  Serial.flush();
  received_next = 0;
  received_end = emulated::read_file(input, received, sizeof received);
  if (received_end == 0) emulated::stop("the host has closed the serial port");
  return true;
}

}  // namespace

void SerialPort::begin(unsigned long) {
  emulated::Uncounted scope;
  input = emulated::open_file(emulated::kStandardStream, emulated::Mode::kRead);
  if (emulated::is_live()) input_file = emulated::open_file(kInputFile, emulated::Mode::kRead);
  output = emulated::open_file(emulated::kStandardStream, emulated::Mode::kWrite);
}

SerialPort::operator bool() {
  emulated::Uncounted scope;
  if (!emulated::is_live()) return received_next < received_end || receive();
  if (emulated::port_is_open()) return true;
  emulated::idle();
  return false;
}

int SerialPort::available() {
  emulated::Uncounted scope;
  if (!hears_host()) return 0;
  if (received_next < received_end) return 1;
  if (!emulated::is_live()) return receive();
  if (look()) return 1;
  emulated::keep_to_real_time();
  return 0;
}

int SerialPort::read() {
  emulated::Uncounted scope;
  const int byte = peek();
  if (byte >= 0) ++received_next;
  return byte;
}

int SerialPort::peek() {
  emulated::Uncounted scope;
  if (!hears_host()) return -1;
  if (emulated::is_live()) available();
  return received_next < received_end ? received[received_next] : -1;
}

size_t SerialPort::write(const uint8_t* bytes, size_t count) {
  emulated::Uncounted scope;
  for (size_t n = 0; n < count; ++n) {
    to_send[to_send_count++] = bytes[n];
    if (bytes[n] == '\n' || to_send_count == sizeof to_send) flush();
  }
  return count;
}

void SerialPort::flush() {
  emulated::Uncounted scope;
  if (to_send_count > 0) emulated::write_file(output, to_send, to_send_count);
  to_send_count = 0;
}
