#include "Print.h"

#include "WString.h"

size_t Print::write(const uint8_t* bytes, size_t count) {
  size_t written = 0;
  while (written < count && write(bytes[written])) ++written;
  return written;
}

size_t Print::print(const String& text) { return write(text.c_str(), text.length()); }

// Of negative numbers only decimal ones have a sign, as on any Arduino.
size_t Print::print_signed(long long number, int base) {
  if (base != DEC || number >= 0) {
    return print_unsigned(base == DEC ? number : static_cast<unsigned long>(number), base);
  }
  return print('-') + print_unsigned(0 - static_cast<unsigned long long>(number), base);
}

size_t Print::print_unsigned(unsigned long long number, int base) {
  char digits[8 * sizeof number];
  const unsigned radix = base < 2 ? DEC : static_cast<unsigned>(base);
  size_t next = sizeof digits;
  do {
    const unsigned digit = static_cast<unsigned>(number % radix);
    digits[--next] = static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
    number /= radix;
  } while (number != 0);
  return write(digits + next, sizeof digits - next);
}

size_t Print::print(double number, int digits) {
  if (number != number) return print("nan");
  if (number > 4294967040.0 || number < -4294967040.0) {
    return print(number - number != 0.0 ? "inf" : "ovf");
  }
  size_t count = 0;
  if (number < 0) {
    count += print('-');
    number = -number;
  }
  double rounding = 0.5;
  for (int place = 0; place < digits; ++place) rounding /= 10.0;
  number += rounding;
  unsigned long whole = static_cast<unsigned long>(number);
  double rest = number - static_cast<double>(whole);
  count += print(whole);
  if (digits > 0) count += print('.');
  for (int place = 0; place < digits; ++place) {
    rest *= 10.0;
    const unsigned digit = static_cast<unsigned>(rest);
    count += print(digit);
    rest -= digit;
  }
  return count;
}
