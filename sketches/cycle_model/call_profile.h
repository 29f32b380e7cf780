// Cycles by code address and by the calls that led there, in a file of text.
//
// Each mark writes a line for every block of instructions that took cycles since the mark before:
// its cycles, its address, and the return addresses of the calls that are open, the outermost
// first. `=` and the board's count end it. All numbers are decimal.
#ifndef EARSHOT_CYCLE_MODEL_CALL_PROFILE_H_
#define EARSHOT_CYCLE_MODEL_CALL_PROFILE_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "instruction.h"

typedef struct {
  uint32_t mark;                   // address of a function: a mark is set when it runs
  uint32_t calls_from, calls_end;  // code whose calls are numbered: :1, :2, … behind the address
} ProfilePoints;

typedef struct {
  uint32_t address, end;
  bool calls;    // the last instruction is a call
  bool returns;  // or goes to an address from a register or from memory
} ProfiledBlock;

ProfiledBlock profiled_block(uint32_t address, uint32_t end, const uint8_t* last_code,
                             const Instruction* last);

void begin_profile(FILE* file, const ProfilePoints* points);

// A block begins to run; `cycles` is the board's count before it.
void profile_block(const ProfiledBlock* block, uint64_t cycles);

void profile_mark(uint64_t cycles);

#endif  // EARSHOT_CYCLE_MODEL_CALL_PROFILE_H_
