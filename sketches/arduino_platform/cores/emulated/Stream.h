// Input, as of ArduinoCore-API.
#pragma once

#include "Print.h"
#include "WString.h"

class Stream : public Print {
 public:
  virtual int available() { return 0; }
  virtual int read() { return -1; }
  virtual int peek() { return -1; }

  // For the functions below, which wait for bytes: 1 s unless set.
  void setTimeout(unsigned long ms) { timeout_ms_ = ms; }
  unsigned long getTimeout() const { return timeout_ms_; }

  // Reads until the buffer is full, the terminator came (which is dropped), or time is up; returns
  // the number of bytes.
  size_t readBytes(char* buffer, size_t count);
  size_t readBytes(uint8_t* buffer, size_t count) {
    return readBytes(reinterpret_cast<char*>(buffer), count);
  }
  size_t readBytesUntil(char terminator, char* buffer, size_t count);
  String readString();
  String readStringUntil(char terminator);

  // Skips what is no number; 0 if time is up first.
  long parseInt();
  float parseFloat();

  // Reads until the text came; false if time is up first.
  bool find(const char* text);

 private:
  int next();             // waits for a byte; -1 if time is up
  int next_unread();      // the same, and leaves it there
  int first_of_number();  // skips; -1 if time is up

  unsigned long timeout_ms_ = 1000;
};
