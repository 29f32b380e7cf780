// Records, checksums and decimals for ctypes.
#include "checksum.h"
#include "decimal.h"
#include "record.h"

extern "C" {

uint16_t records_crc16(const char* text, int count) { return earshot::crc16(text, count); }

uint32_t records_crc32(const void* bytes, uint32_t count, uint32_t crc) {
  return earshot::crc32(bytes, count, crc);
}

int records_unsigned(uint32_t value, char* text) { return earshot::print_unsigned(value, text); }
int records_hex(uint32_t value, int digits, char* text) {
  return earshot::print_hex(value, digits, text);
}
int records_decimal(float value, char* text) { return earshot::print_decimal(value, text); }

// A record with one text and two numbers in a Record<numbers, 1>; returns its length.
int records_line(uint32_t sequence, const char* text, uint32_t first, uint32_t second, char* line) {
  earshot::Record<2, 1> record("det", sequence);
  record.add(text).add(first).add(second).finish();
  for (int i = 0; i < record.length(); ++i) line[i] = record.line()[i];
  return record.length();
}
}
