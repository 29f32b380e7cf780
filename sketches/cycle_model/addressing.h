// Which addresses an instruction reads, and how it moves the registers that addresses are made of.
#ifndef EARSHOT_CYCLE_MODEL_ADDRESSING_H_
#define EARSHOT_CYCLE_MODEL_ADDRESSING_H_

#include <stdbool.h>
#include <stdint.h>

#include "instruction.h"

enum { kNoRegister = -1, kStackPointer = 13, kProgramCounter = 15 };

typedef struct {
  int base;         // register of the address; kNoRegister if it has more of them
  int32_t offset;   // of the first byte read from `base`
  uint8_t words;    // read; 1 for parts of a word
  uint16_t writes;  // registers that may change, as a bit mask
  int moved;        // one of them that becomes `from` plus `by`; or kNoRegister
  int from;
  int32_t by;
} Addressing;

Addressing addressing_of(const uint8_t* code, const Instruction* instruction);

#endif  // EARSHOT_CYCLE_MODEL_ADDRESSING_H_
