// Text output, as of ArduinoCore-API.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DEC 10
#define HEX 16
#define OCT 8
#define BIN 2

class String;
class Print;

// A text that would lie in program memory on an AVR.
class __FlashStringHelper;
#define F(text) (reinterpret_cast<const __FlashStringHelper*>(text))

// Something that prints itself.
class Printable {
 public:
  virtual size_t printTo(Print& to) const = 0;
};

// Each function returns the number of bytes written.
class Print {
 public:
  virtual size_t write(uint8_t) { return 0; }
  virtual size_t write(const uint8_t* bytes, size_t count);
  virtual int availableForWrite() { return 0; }
  virtual void flush() {}

  size_t write(const char* text) { return text ? write(text, strlen(text)) : 0; }
  size_t write(const char* bytes, size_t count) {
    return write(reinterpret_cast<const uint8_t*>(bytes), count);
  }

  size_t print(const char* text) { return write(text); }
  size_t print(const __FlashStringHelper* text) {
    return write(reinterpret_cast<const char*>(text));
  }
  size_t print(const String& text);
  size_t print(const Printable& item) { return item.printTo(*this); }
  size_t print(char letter) { return write(static_cast<uint8_t>(letter)); }
  size_t print(unsigned char number, int base = DEC) { return print_unsigned(number, base); }
  size_t print(int number, int base = DEC) { return print_signed(number, base); }
  size_t print(unsigned int number, int base = DEC) { return print_unsigned(number, base); }
  size_t print(long number, int base = DEC) { return print_signed(number, base); }
  size_t print(unsigned long number, int base = DEC) { return print_unsigned(number, base); }
  size_t print(long long number, int base = DEC) { return print_signed(number, base); }
  size_t print(unsigned long long number, int base = DEC) { return print_unsigned(number, base); }
  size_t print(double number, int digits = 2);

  size_t println() { return write("\r\n", 2); }
  template <typename... Arguments>
  size_t println(const Arguments&... arguments) {
    const size_t count = print(arguments...);
    return count + println();
  }

  // As of the C library; a longer text than 255 bytes is cut.
  size_t printf(const char* format, ...) __attribute__((format(printf, 2, 3)));

  int getWriteError() { return 0; }
  void clearWriteError() {}

 private:
  size_t print_signed(long long number, int base);
  size_t print_unsigned(unsigned long long number, int base);
};
