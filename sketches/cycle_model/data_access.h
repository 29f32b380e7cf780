// What loads of data take beyond the cycles of their instructions.
#ifndef EARSHOT_CYCLE_MODEL_DATA_ACCESS_H_
#define EARSHOT_CYCLE_MODEL_DATA_ACCESS_H_

#include <stdbool.h>
#include <stdint.h>

#include "addressing.h"
#include "block_cost.h"

enum {
  kRamAddress = 0x20000000,  // "ARMv7-M Architecture Reference Manual", B3.1: code lies below
  kMaxInstructions = 512,    // QEMU's own limit for a block
};

// What a load of `bytes` at `address` takes longer than one of aligned RAM. The bits of the address
// in `aligned` are 0 if it is aligned. A word of flash takes `wait_states`.
uint32_t load_waits(uint32_t wait_states, uint32_t address, uint32_t bytes, uint32_t aligned);

typedef struct {
  int32_t distance;  // from the group's first load
  uint8_t bytes, aligned;
} Load;

// Loads of a block at fixed distances from each other. A callback for each load would double the
// time of emulation, so one for the first of them counts all.
typedef struct {
  int count;
  uint8_t aligned;       // bits of the first load's address that are 0 if all are aligned
  uint32_t flash_waits;  // of all, if they are aligned and in flash
  Load loads[];
} LoadGroup;

// How an instruction's loads are counted.
typedef enum {
  kNoWaits,  // it loads nothing, or from the stack, or another load's callback counts it
  kEachLoad,
  kGroup,  // its callback counts a group
} LoadCounting;

typedef struct {
  LoadCounting counting[kMaxInstructions];
  LoadGroup* groups[kMaxInstructions];  // of kGroup; never freed, as translations last to the end
  uint32_t literal_waits;               // of loads from addresses that stand in the code
} LoadPlan;

// Plans the callbacks of a block; the first `conditional` instructions are under an IT.
void plan_loads(uint32_t wait_states, uint8_t code[][4], const Instruction* instructions, int count,
                int conditional, LoadPlan* plan);

// What the loads of a group take longer, with the first one at `address`.
uint32_t group_waits(uint32_t wait_states, const LoadGroup* group, uint32_t address);

#endif  // EARSHOT_CYCLE_MODEL_DATA_ACCESS_H_
