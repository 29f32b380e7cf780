// The two checksums of the serial protocol.
#pragma once

#include <cstdint>

namespace earshot {

// CRC-16/CCITT-FALSE: polynomial 0x1021, initial value 0xffff, not reflected. Of records.
uint16_t crc16(const char* text, int count);

// CRC-32 as in zlib and PNG. Of features and tensors; the CRC of several pieces is that of the
// first one continued over the others.
uint32_t crc32(const void* bytes, uint32_t count, uint32_t crc = 0);

}  // namespace earshot
