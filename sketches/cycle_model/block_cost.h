// The cost of straight code, whatever data it works on.
#ifndef EARSHOT_CYCLE_MODEL_BLOCK_COST_H_
#define EARSHOT_CYCLE_MODEL_BLOCK_COST_H_

#include <stdbool.h>
#include <stdint.h>

#include "instruction.h"

enum { kNoBranch = 1 };  // an odd number is no instruction's address

// Instructions that QEMU translated together. Where it cuts straight code differs between versions
// of QEMU, so the cost of the first instruction is settled when it runs: see run_block.
typedef struct {
  uint32_t address;  // of the first instruction
  uint32_t end;      // of the instruction after the last
  Instruction first;
  Instruction last;
  uint32_t first_cycles;   // of the first instruction where the block begins a run
  uint32_t rest_cycles;    // of the other instructions
  uint32_t target_cycles;  // added by a taken branch to the block
  uint32_t fixed_cycles;   // of no instruction: refill of a branch that is always taken, waits
  uint32_t taken_cycles;   // added by another branch at the end when it is taken
  bool branches;           // the last instruction may change the program counter
  uint32_t fall_through;   // `end`; kNoBranch after a certain branch
  int conditional_left;    // instructions behind the end that are still under an IT
} BlockCost;

// Code that is running: from the target of a taken branch to the next taken branch.
typedef struct {
  const BlockCost* last;  // NULL before the first block
  bool reads_flash;       // without the cache, which holds all code
  // If it reads flash:
  uint32_t line;       // the line that was read last, from 1; 0 is none
  uint32_t start;      // address of its first instruction
  uint32_t execution;  // cycles if every fetch hit the cache
  uint32_t waits;      // of fetches after the first line
  uint32_t cycles;     // cycles counted so far
} Run;

// The cost of `count` instructions from `address` on, which run one after the other. The first
// `conditional` of them are under an IT of the block before.
BlockCost block_cost(uint32_t address, const Instruction* instructions, int count, int conditional);

// Adds a block to the run of which it is a part, or begins a run with it. Returns the cycles that
// it takes, the refill after the branch before it among them. A line of flash takes `wait_states`.
uint32_t run_block(uint32_t wait_states, Run* run, const BlockCost* block);

#endif  // EARSHOT_CYCLE_MODEL_BLOCK_COST_H_
