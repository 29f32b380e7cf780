#include "checksum.h"

namespace earshot {

namespace {

// CRC-32 of the values of four bits, for the reflected polynomial 0xedb88320: a table for bytes
// would take 1 KB.
constexpr uint32_t kCrc32OfNibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

}  // namespace

uint16_t crc16(const char* text, int count) {
  uint16_t crc = 0xffff;
  for (int i = 0; i < count; ++i) {
    crc = static_cast<uint16_t>(crc ^ static_cast<uint8_t>(text[i]) << 8);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
  }
  return crc;
}

uint32_t crc32(const void* bytes, uint32_t count, uint32_t crc) {
  const auto* byte = static_cast<const uint8_t*>(bytes);
  crc = ~crc;
  for (; count > 0; --count) {
    crc ^= *byte++;
    crc = kCrc32OfNibble[crc & 15] ^ crc >> 4;
    crc = kCrc32OfNibble[crc & 15] ^ crc >> 4;
  }
  return ~crc;
}

}  // namespace earshot
