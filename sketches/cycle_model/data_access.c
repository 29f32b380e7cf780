#include "data_access.h"

enum { kBusBytes = 4 };

uint32_t load_waits(const TimingParameters* timing, DataPort* port, uint32_t address,
                    uint32_t bytes) {
  if (address >= kRamAddress) return 0;
  uint32_t waits = 0;
  for (uint32_t word = address / kBusBytes; word <= (address + bytes - 1) / kBusBytes; ++word) {
    const uint32_t line = word * kBusBytes / kLineBytes + 1;  // 0 is none
    if (timing->line_buffer && line == port->line) continue;
    port->line = line;
    waits += timing->wait_states;
  }
  return waits;
}
