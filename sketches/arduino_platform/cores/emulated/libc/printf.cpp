#include <stdarg.h>
#include <stdio.h>

#include "../Print.h"

size_t Print::printf(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0) return 0;
  const size_t longest = sizeof text - 1;
  return write(text, static_cast<size_t>(length) < longest ? static_cast<size_t>(length) : longest);
}
