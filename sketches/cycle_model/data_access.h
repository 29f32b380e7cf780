// What a load of data takes beyond the cycles of its instruction.
#ifndef EARSHOT_CYCLE_MODEL_DATA_ACCESS_H_
#define EARSHOT_CYCLE_MODEL_DATA_ACCESS_H_

#include <stdbool.h>
#include <stdint.h>

#include "block_cost.h"

enum {
  kRamAddress = 0x20000000
};  // "ARMv7-M Architecture Reference Manual", B3.1: code lies below

typedef struct {
  uint32_t line;  // the 16 bytes of flash that were read last
} DataPort;

// What a load of `bytes` at `address` takes longer than one of aligned RAM. The bits of the address
// in `aligned` are 0 if it is aligned.
uint32_t load_waits(const TimingParameters* timing, DataPort* port, uint32_t address,
                    uint32_t bytes, uint32_t aligned);

#endif  // EARSHOT_CYCLE_MODEL_DATA_ACCESS_H_
