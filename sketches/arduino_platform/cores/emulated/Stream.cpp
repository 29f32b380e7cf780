#include "Stream.h"

#include "Arduino.h"

int Stream::next_unread() {
  const unsigned long begin = millis();
  do {
    if (available() > 0) return peek();
    yield();
  } while (millis() - begin < timeout_ms_);
  return -1;
}

int Stream::next() { return next_unread() < 0 ? -1 : read(); }

size_t Stream::readBytes(char* buffer, size_t count) {
  size_t got = 0;
  for (int byte; got < count && (byte = next()) >= 0;) buffer[got++] = static_cast<char>(byte);
  return got;
}

size_t Stream::readBytesUntil(char terminator, char* buffer, size_t count) {
  size_t got = 0;
  for (int byte; got < count && (byte = next()) >= 0 && byte != static_cast<uint8_t>(terminator);) {
    buffer[got++] = static_cast<char>(byte);
  }
  return got;
}

String Stream::readString() {
  String text;
  for (int byte; (byte = next()) >= 0;) text += static_cast<char>(byte);
  return text;
}

String Stream::readStringUntil(char terminator) {
  String text;
  for (int byte; (byte = next()) >= 0 && byte != static_cast<uint8_t>(terminator);) {
    text += static_cast<char>(byte);
  }
  return text;
}

int Stream::first_of_number() {
  for (int byte; (byte = next_unread()) >= 0; read()) {
    if (byte == '-' || byte == '.' || (byte >= '0' && byte <= '9')) return byte;
  }
  return -1;
}

long Stream::parseInt() {
  int byte = first_of_number();
  const bool negative = byte == '-';
  if (negative) read();
  long number = 0;
  while ((byte = next_unread()) >= '0' && byte <= '9') number = number * 10 + read() - '0';
  return negative ? -number : number;
}

float Stream::parseFloat() {
  int byte = first_of_number();
  const bool negative = byte == '-';
  if (negative) read();
  float number = 0, place = 1;
  bool fraction = false;
  while (((byte = next_unread()) >= '0' && byte <= '9') || (byte == '.' && !fraction)) {
    read();
    if (byte == '.') {
      fraction = true;
    } else {
      number = number * 10 + static_cast<float>(byte - '0');
      if (fraction) place *= 10;
    }
  }
  return (negative ? -number : number) / place;
}

bool Stream::find(const char* text) {
  const size_t length = strlen(text);
  String end;
  for (int byte; (byte = next()) >= 0;) {
    end += static_cast<char>(byte);
    if (end.length() > length) end.remove(0, 1);
    if (end == text) return true;
  }
  return length == 0;
}
