// One Thumb-2 instruction as far as its time depends on it.
#ifndef EARSHOT_CYCLE_MODEL_INSTRUCTION_H_
#define EARSHOT_CYCLE_MODEL_INSTRUCTION_H_

#include <stdbool.h>
#include <stdint.h>

// What of the timing rules applies to an instruction.
typedef enum {
  kUnknown,        // not in the table
  kData,           // result in a core register, straight from the ALU or the multiplier
  kOther,          // no result that another instruction's time depends on
  kLoad,           // one register from memory; can be pipelined
  kStore,          // one register to an address of base and constant
  kStoreRegister,  // one register to an address of base and register
  kMultiple,       // several words to or from memory
  kIt,             // IT
  kBranch,         // BX, BLX, BL: to a register, or with a link
  kJump,           // B
  kBranchIf,       // B<cond>, CBZ, CBNZ
  kTableBranch,    // TBB, TBH
  kDivide,         // SDIV, UDIV
  kFloat,          // floating-point arithmetic: its result takes a cycle more to arrive
  kFloatMove,      // the other floating-point instructions within the register bank
  kFloatMemory,    // VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP
} Kind;

// Registers are bit masks: bit n is Rn, or Sn for the floating-point ones.
typedef struct {
  Kind kind;
  uint8_t bytes;          // 2 or 4
  uint8_t cycles;         // on its own, without a pipeline refill
  bool sets_pc;           // a refill follows when it is executed
  bool loads;             // reads data from memory
  uint8_t aligned;        // of a kLoad: bits of the address that are 0 if it is aligned
  uint8_t it_length;      // of an IT: how many instructions it makes conditional
  uint16_t address;       // core registers an address is made of
  uint16_t result;        // core register of a kData or kLoad
  uint32_t float_result;  // of a kFloat
  uint32_t float_inputs;  // without the addend of a multiply-accumulate, which is needed later
} Instruction;

// Decodes the instruction at `code`: little-endian halfwords, Thumb-2 of ARMv7E-M with the
// single-precision floating-point extension.
Instruction decode(const uint8_t* code);

#endif  // EARSHOT_CYCLE_MODEL_INSTRUCTION_H_
