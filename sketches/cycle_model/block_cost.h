// What a block of instructions costs, whichever data it works on.
#ifndef EARSHOT_CYCLE_MODEL_BLOCK_COST_H_
#define EARSHOT_CYCLE_MODEL_BLOCK_COST_H_

#include <stdbool.h>
#include <stdint.h>

#include "instruction.h"

typedef struct {
  uint32_t refill_cycles;  // P: what a taken branch adds while the pipeline fills again
  bool icache;             // true: every instruction fetch hits the instruction cache
  uint32_t wait_states;    // of a 32-bit fetch from flash without the cache
} TimingParameters;

typedef struct {
  uint32_t address;       // of the first instruction
  uint32_t cycles;        // each time the block runs, without a refill that depends on data
  uint32_t fall_through;  // where a conditional branch at the end goes when not taken; or kNoBranch
} BlockCost;

enum { kNoBranch = 1 };  // an odd number is no instruction's address

// The cycles added when the conditional branch at the end of a block is taken.
uint32_t refill_cost(const TimingParameters* timing);

// Cost of `count` instructions from `address` on, which run one after the other.
BlockCost block_cost(const TimingParameters* timing, uint32_t address,
                     const Instruction* instructions, int count);

#endif  // EARSHOT_CYCLE_MODEL_BLOCK_COST_H_
