#include "data_access.h"

enum { kBusBytes = 4 };

uint32_t load_waits(const TimingParameters* timing, DataPort* port, uint32_t address,
                    uint32_t bytes, uint32_t aligned) {
  // TRM 3.3.2: an unaligned halfword is read as two bytes; a word as two halfwords, or as a byte, a
  // halfword and a byte: a cycle more for each.
  uint32_t waits = (address & aligned) == 0 ? 0 : aligned == 3 && address % 2 ? 2 : 1;
  if (address >= kRamAddress) return waits;
  for (uint32_t word = address / kBusBytes; word <= (address + bytes - 1) / kBusBytes; ++word) {
    const uint32_t line = word * kBusBytes / kLineBytes + 1;  // 0 is none
    if (timing->line_buffer && line == port->line) continue;
    port->line = line;
    waits += timing->wait_states;
  }
  return waits;
}
