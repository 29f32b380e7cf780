// Cycles of each instruction class, and where its encoding holds the registers that matter.
//
// Encodings: "ARMv7-M Architecture Reference Manual" (DDI 0403), chapter A5. Cycles: "Cortex-M4
// Technical Reference Manual" (DDI 0439), tables 3-1 and 7-1. README.md states every assumption.
#include <stddef.h>

#include "instruction.h"

// Where the operands stand. A 16-bit instruction is the upper half of the word it is decoded from.
typedef enum {
  kNowhere,
  kRd16,          // 16-bit: result in bits 18:16
  kRd24,          // 16-bit: result in bits 26:24
  kRdHigh,        // 16-bit: result in bits 23 and 18:16, may be the program counter
  kStackResult,   // 16-bit: ADD/SUB SP
  kBase19,        // 16-bit: Rt 18:16, base 21:19
  kBase19Index,   // 16-bit: Rt 18:16, base 21:19, index 24:22
  kBaseStack,     // 16-bit: Rt 26:24, base SP
  kLiteral,       // 16-bit: Rt 26:24, base PC
  kStackList,     // 16-bit: PUSH, POP
  kBase24List,    // 16-bit: LDM, STM
  kRd8,           // result in bits 11:8
  kRdPair,        // results in bits 15:12 and 11:8
  kBase,          // Rt 15:12, base 19:16
  kBaseIndex,     // Rt 15:12, base 19:16, index 3:0
  kBaseList,      // base 19:16, list 15:0
  kFloatList,     // base 19:16, words in bits 7:0
  kFloatStore,    // base 19:16, Sd
  kFloat3,        // Sd = Sn op Sm
  kAccumulate,    // Sd = Sd ± Sn × Sm
  kFloat2,        // Sd = op Sm
  kFloatInPlace,  // Sd = op Sd
  kCompare,       // flags = Sd ? Sm
  kToCore,        // core register = Sn
} Operands;

typedef struct {
  uint32_t mask, value;
  Kind kind;
  uint8_t cycles;  // of the lists: before the words are added
  Operands operands;
} Row;

enum { kDivideCycles = 7 };  // 2 to 12 by the operands' leading zeros: the middle

// The first row that matches holds.
static const Row kTable[] = {
    // 16-bit: shift, add, subtract, move, compare
    {0xE0000000, 0x00000000, kData, 1, kRd16},      // LSL LSR ASR ADD SUB
    {0xF8000000, 0x28000000, kOther, 1, kNowhere},  // CMP
    {0xE0000000, 0x20000000, kData, 1, kRd24},      // MOV ADD SUB #8 bits
    // 16-bit: data processing on registers
    {0xFFC00000, 0x42000000, kOther, 1, kNowhere},   // TST
    {0xFF800000, 0x42800000, kOther, 1, kNowhere},   // CMP CMN
    {0xFC000000, 0x40000000, kData, 1, kRd16},       // AND … MUL … MVN
    {0xFF000000, 0x45000000, kOther, 1, kNowhere},   // CMP on high registers
    {0xFD000000, 0x44000000, kData, 1, kRdHigh},     // ADD MOV on high registers
    {0xFF000000, 0x47000000, kBranch, 1, kNowhere},  // BX BLX
    // 16-bit: loads and stores
    {0xF8000000, 0x48000000, kLoad, 2, kLiteral},
    {0xFE000000, 0x56000000, kLoad, 2, kBase19Index},  // LDRSB
    {0xF8000000, 0x58000000, kLoad, 2, kBase19Index},  // LDR LDRH LDRB LDRSH
    {0xF8000000, 0x50000000, kStoreRegister, 2, kBase19Index},
    {0xE8000000, 0x68000000, kLoad, 2, kBase19},   // LDR LDRB
    {0xE8000000, 0x60000000, kStore, 1, kBase19},  // STR STRB
    {0xF8000000, 0x88000000, kLoad, 2, kBase19},   // LDRH
    {0xF8000000, 0x80000000, kStore, 1, kBase19},  // STRH
    {0xF8000000, 0x98000000, kLoad, 2, kBaseStack},
    {0xF8000000, 0x90000000, kStore, 1, kBaseStack},
    // 16-bit: addresses, stack, extension, hints
    {0xF0000000, 0xA0000000, kData, 1, kRd24},           // ADR, ADD Rd, SP
    {0xFF000000, 0xB0000000, kData, 1, kStackResult},    // ADD SP, SUB SP
    {0xF5000000, 0xB1000000, kBranchIf, 1, kNowhere},    // CBZ CBNZ
    {0xFF000000, 0xB2000000, kData, 1, kRd16},           // SXTH SXTB UXTH UXTB
    {0xF6000000, 0xB4000000, kMultiple, 1, kStackList},  // PUSH POP
    {0xFFE00000, 0xB6600000, kOther, 1, kNowhere},       // CPSIE CPSID
    {0xFF000000, 0xBA000000, kData, 1, kRd16},           // REV REV16 REVSH
    {0xFF000000, 0xBE000000, kOther, 1, kNowhere},       // BKPT
    {0xFF0F0000, 0xBF000000, kOther, 1, kNowhere},       // NOP and other hints
    {0xFF000000, 0xBF000000, kIt, 1, kNowhere},
    {0xF0000000, 0xC0000000, kMultiple, 1, kBase24List},
    // 16-bit: branches
    {0xFE000000, 0xDE000000, kOther, 1, kNowhere},  // UDF SVC
    {0xF0000000, 0xD0000000, kBranchIf, 1, kNowhere},
    {0xF8000000, 0xE0000000, kJump, 1, kNowhere},
    // 32-bit: several words, exclusives, table branches
    {0xFE400000, 0xE8000000, kMultiple, 1, kBaseList},
    {0xFFF0FFE0, 0xE8D0F000, kTableBranch, 2, kBaseIndex},
    {0xFFF00F00, 0xE8D00F00, kLoad, 2, kBase},      // LDREXB LDREXH
    {0xFFF00F00, 0xE8C00F00, kStore, 2, kBase},     // STREXB STREXH
    {0xFFF00000, 0xE8500000, kLoad, 2, kBase},      // LDREX
    {0xFFF00000, 0xE8400000, kStore, 2, kBase},     // STREX
    {0xFE400000, 0xE8400000, kMultiple, 3, kBase},  // LDRD STRD
    // 32-bit: floating point
    {0xFFE00E00, 0xEC400A00, kFloatMove, 2, kNowhere},  // VMOV of two registers to or from core
    {0xFF300F00, 0xED100A00, kFloatMemory, 2, kBase},   // VLDR
    {0xFF300F00, 0xED000A00, kFloatMemory, 2, kFloatStore},
    {0xFF200F00, 0xED000B00, kFloatMemory, 3, kBase},  // VLDR VSTR of 64 bits
    {0xFE000E00, 0xEC000A00, kFloatMemory, 1, kFloatList},
    {0xFFF00F10, 0xEE100A10, kFloatMove, 1, kToCore},
    {0xFF000F10, 0xEE000A10, kFloatMove, 1, kNowhere},   // VMOV from core, VMRS, VMSR
    {0xFF000F10, 0xEE000B10, kFloatMove, 1, kNowhere},   // VMOV of half a double register
    {0xFFB00F10, 0xEE000A00, kFloat, 3, kAccumulate},    // VMLA VMLS
    {0xFFB00F10, 0xEE100A00, kFloat, 3, kAccumulate},    // VNMLA VNMLS
    {0xFFB00F10, 0xEE200A00, kFloat, 1, kFloat3},        // VMUL VNMUL
    {0xFFB00F10, 0xEE300A00, kFloat, 1, kFloat3},        // VADD VSUB
    {0xFFB00F10, 0xEE800A00, kFloat, 14, kFloat3},       // VDIV
    {0xFFB00F10, 0xEE900A00, kFloat, 3, kAccumulate},    // VFNMA VFNMS
    {0xFFB00F10, 0xEEA00A00, kFloat, 3, kAccumulate},    // VFMA VFMS
    {0xFFB00F50, 0xEEB00A00, kFloatMove, 1, kNowhere},   // VMOV #constant
    {0xFFBF0FD0, 0xEEB10AC0, kFloat, 14, kFloat2},       // VSQRT
    {0xFFBF0F50, 0xEEB50A40, kFloatMove, 1, kCompare},   // VCMP with 0
    {0xFFBF0F50, 0xEEB40A40, kFloatMove, 1, kCompare},   // VCMP
    {0xFFBE0F50, 0xEEB00A40, kFloatMove, 1, kFloat2},    // VMOV VABS VNEG
    {0xFFBA0F50, 0xEEBA0A40, kFloat, 1, kFloatInPlace},  // VCVT of fixed point
    {0xFFB00F50, 0xEEB00A40, kFloat, 1, kFloat2},        // VCVT
    // 32-bit: data processing
    {0xFFF08F00, 0xEA100F00, kOther, 1, kNowhere},  // TST
    {0xFFF08F00, 0xEA900F00, kOther, 1, kNowhere},  // TEQ
    {0xFFF08F00, 0xEB100F00, kOther, 1, kNowhere},  // CMN
    {0xFFF08F00, 0xEBB00F00, kOther, 1, kNowhere},  // CMP
    {0xFE000000, 0xEA000000, kData, 1, kRd8},
    {0xFBF08F00, 0xF0100F00, kOther, 1, kNowhere},  // TST
    {0xFBF08F00, 0xF0900F00, kOther, 1, kNowhere},  // TEQ
    {0xFBF08F00, 0xF1100F00, kOther, 1, kNowhere},  // CMN
    {0xFBF08F00, 0xF1B00F00, kOther, 1, kNowhere},  // CMP
    {0xF8008000, 0xF0000000, kData, 1, kRd8},       // with a constant; MOVW, BFI, SSAT, …
    // 32-bit: branches and control
    {0xF800D000, 0xF000D000, kBranch, 1, kNowhere},  // BL
    {0xF800D000, 0xF0009000, kJump, 1, kNowhere},    // B
    {0xFFE0F000, 0xF3E08000, kData, 1, kRd8},        // MRS
    {0xFB80D000, 0xF3808000, kOther, 1, kNowhere},   // MSR, hints, barriers, UDF
    {0xF800D000, 0xF0008000, kBranchIf, 1, kNowhere},
    // 32-bit: loads and stores of one register
    {0xFF900000, 0xF8800000, kStore, 1, kBase},
    {0xFF900FC0, 0xF8000000, kStoreRegister, 2, kBaseIndex},
    {0xFF900000, 0xF8000000, kStore, 1, kBase},
    {0xFE50F000, 0xF810F000, kOther, 1, kNowhere},  // PLD PLI
    {0xFE1F0000, 0xF81F0000, kLoad, 2, kBase},      // literal
    {0xFE900FC0, 0xF8100000, kLoad, 2, kBaseIndex},
    {0xFE100000, 0xF8100000, kLoad, 2, kBase},
    // 32-bit: register shifts, extension, parallel arithmetic, multiplication, division
    {0xFF000000, 0xFA000000, kData, 1, kRd8},
    {0xFF800000, 0xFB000000, kData, 1, kRd8},  // MUL MLA MLS SMLAD SMUAD SMMUL USAD8 …
    {0xFFF000F0, 0xFB9000F0, kDivide, kDivideCycles, kRd8},
    {0xFFF000F0, 0xFBB000F0, kDivide, kDivideCycles, kRd8},
    {0xFF800000, 0xFB800000, kData, 1, kRdPair},  // SMULL UMULL SMLAL UMLAL SMLALD UMAAL …
};

static uint32_t bits(uint32_t word, int high, int low) {
  return word >> low & ((1u << (high - low + 1)) - 1);
}

static uint16_t core(uint32_t word, int high, int low) { return 1u << bits(word, high, low); }

// A single-precision register's number is a field of four bits and one more below it.
static uint32_t single(uint32_t word, int field_low, int extra) {
  return 1u << (bits(word, field_low + 3, field_low) << 1 | bits(word, extra, extra));
}

// The size of a kLoad, as a mask.
static uint8_t aligned_bits(uint32_t word, bool wide) {
  enum { kByte = 0, kHalf = 1, kWord = 3 };
  if (wide) {
    const bool exclusive = bits(word, 31, 25) == 0x74;
    return exclusive ? kByte : (1 << bits(word, 22, 21)) - 1;  // an exclusive one faults
  }
  static const uint8_t kRegister[] = {kWord, kHalf, kByte, kByte, kWord, kHalf, kByte, kHalf};
  switch (bits(word, 31, 28)) {
    case 5:
      return kRegister[bits(word, 27, 25)];
    case 7:
      return kByte;
    case 8:
      return kHalf;
    default:
      return kWord;
  }
}

enum { kSp = 1 << 13, kPc = 1 << 15 };

static void set_operands(Instruction* i, uint32_t word, const Row* row) {
  const uint32_t sd = single(word, 12, 22), sn = single(word, 16, 7), sm = single(word, 0, 5);
  uint32_t list = 0;
  switch (row->operands) {
    case kNowhere:
      break;
    case kRd16:
      i->result = core(word, 18, 16);
      break;
    case kRd24:
      i->result = core(word, 26, 24);
      break;
    case kRdHigh:
      i->result = 1u << (bits(word, 23, 23) << 3 | bits(word, 18, 16));
      break;
    case kStackResult:
      i->result = kSp;
      break;
    case kBase19Index:
      i->address = core(word, 24, 22);
      // fall through
    case kBase19:
      i->address |= core(word, 21, 19);
      i->result = core(word, 18, 16);
      break;
    case kBaseStack:
      i->address = kSp;
      i->result = core(word, 26, 24);
      break;
    case kLiteral:
      i->result = core(word, 26, 24);
      break;
    case kStackList:  // bit 24 is LR in a PUSH and PC in a POP
      i->address = kSp;
      list = bits(word, 23, 16) | (bits(word, 24, 24) ? (bits(word, 27, 27) ? kPc : 1u << 14) : 0);
      i->sets_pc = list & kPc;
      break;
    case kBase24List:
      i->address = core(word, 26, 24);
      list = bits(word, 23, 16);
      break;
    case kRd8:
      i->result = core(word, 11, 8);
      break;
    case kRdPair:
      i->result = core(word, 15, 12) | core(word, 11, 8);
      break;
    case kBaseIndex:
      i->address = core(word, 3, 0);
      // fall through
    case kBase:
      i->address |= core(word, 19, 16);
      i->result = core(word, 15, 12);
      break;
    case kBaseList:
      i->address = core(word, 19, 16);
      list = bits(word, 15, 0);
      i->sets_pc = bits(word, 20, 20) && list & kPc;
      break;
    case kFloatList:
      i->address = core(word, 19, 16);
      i->cycles += bits(word, 7, 0);
      break;
    case kFloatStore:
      i->address = core(word, 19, 16);
      i->float_inputs = sd;
      break;
    case kAccumulate:
    case kFloat3:
      i->float_result = sd;
      i->float_inputs = sn | sm;
      break;
    case kFloat2:
      i->float_result = sd;
      i->float_inputs = sm;
      break;
    case kFloatInPlace:
      i->float_result = i->float_inputs = sd;
      break;
    case kCompare:
      i->float_inputs = sd | sm;
      break;
    case kToCore:
      i->float_inputs = sn;
      break;
  }
  i->cycles += __builtin_popcount(list);
}

Instruction decode(const uint8_t* code) {
  uint32_t word = (uint32_t)(code[0] | code[1] << 8) << 16;
  const bool wide = word >> 27 >= 0x1D;
  if (wide) word |= code[2] | code[3] << 8;

  Instruction i = {.kind = kUnknown, .bytes = wide ? 4 : 2, .cycles = 1};
  const Row* row = NULL;
  for (size_t n = 0; n < sizeof kTable / sizeof *kTable && !row; ++n) {
    if ((word & kTable[n].mask) == kTable[n].value) row = &kTable[n];
  }
  if (!row) return i;

  i.kind = row->kind;
  i.cycles = row->cycles;
  set_operands(&i, word, row);
  switch (i.kind) {
    case kBranch:
    case kJump:
    case kBranchIf:
    case kTableBranch:
      i.sets_pc = true;
      break;
    default:
      break;
  }
  if ((i.kind == kData || i.kind == kLoad) && i.result & kPc) i.sets_pc = true;
  const bool load_bit = wide ? bits(word, 20, 20) : bits(word, 27, 27);
  if (i.kind == kLoad) i.aligned = aligned_bits(word, wide);
  i.loads = i.kind == kLoad || i.kind == kTableBranch ||
            ((i.kind == kMultiple || i.kind == kFloatMemory) && load_bit);
  if (i.kind == kIt) i.it_length = 4 - __builtin_ctz(bits(word, 19, 16));
  return i;
}
