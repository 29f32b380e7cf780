// Encodings: "ARMv7-M Architecture Reference Manual" (DDI 0403), chapter A5. What is not decoded
// here changes any register.
#include "addressing.h"

static uint32_t bits(uint32_t word, int high, int low) {
  return word >> low & ((1u << (high - low + 1)) - 1);
}

static void move(Addressing* a, int to, int from, int32_t by) {
  a->writes |= 1u << to;
  a->moved = to;
  a->from = from;
  a->by = by;
}

static void narrow(Addressing* a, uint32_t half, const Instruction* i) {
  const int low = bits(half, 2, 0), middle = bits(half, 5, 3), high = bits(half, 10, 8);
  const int32_t listed = 4 * __builtin_popcount(bits(half, 7, 0));
  switch (half >> 11) {
    case 0x03:  // ADD SUB
      if (bits(half, 10, 10)) move(a, low, middle, (half & 0x200 ? -1 : 1) * (int)bits(half, 8, 6));
      return;
    case 0x06:  // ADD
      return move(a, high, high, bits(half, 7, 0));
    case 0x07:  // SUB
      return move(a, high, high, -(int)bits(half, 7, 0));
    case 0x08:  // MOV on high registers among others
      if (bits(half, 10, 8) == 6) move(a, low | bits(half, 7, 7) << 3, bits(half, 6, 3), 0);
      return;
    case 0x09:  // literal
      a->base = kProgramCounter;
      return;
    case 0x0D:  // LDR
      a->base = middle;
      a->offset = 4 * bits(half, 10, 6);
      return;
    case 0x0F:  // LDRB
      a->base = middle;
      a->offset = bits(half, 10, 6);
      return;
    case 0x11:  // LDRH
      a->base = middle;
      a->offset = 2 * bits(half, 10, 6);
      return;
    case 0x13:  // LDR from the stack
      a->base = kStackPointer;
      a->offset = 4 * bits(half, 7, 0);
      return;
    case 0x15:  // ADD Rd, SP
      return move(a, high, kStackPointer, 4 * bits(half, 7, 0));
    case 0x16:
    case 0x17:  // ADD SP, SUB SP, PUSH, POP
      if (i->kind == kMultiple) {
        const int32_t stacked = listed + 4 * bits(half, 8, 8);
        if (i->loads) a->base = kStackPointer, a->writes |= bits(half, 7, 0);
        move(a, kStackPointer, kStackPointer, i->loads ? stacked : -stacked);
      } else if (bits(half, 10, 8) == 0) {
        const int32_t by = 4 * bits(half, 6, 0);
        move(a, kStackPointer, kStackPointer, half & 0x80 ? -by : by);
      }
      return;
    case 0x18:  // STM
      return move(a, high, high, listed);
    case 0x19:  // LDM: without writeback if the base is in the list
      a->base = high;
      a->words = listed / 4;
      a->writes |= bits(half, 7, 0);
      if (!(bits(half, 7, 0) >> high & 1)) move(a, high, high, listed);
      return;
    default:
      return;
  }
}

static void wide(Addressing* a, uint32_t word, const Instruction* i) {
  const int base = bits(word, 19, 16);
  const bool up = bits(word, 23, 23), before = bits(word, 24, 24), back = bits(word, 21, 21);
  const int32_t small = bits(word, 7, 0);
  const int32_t constant = bits(word, 26, 26) << 11 | bits(word, 14, 12) << 8 | small;
  const int32_t signed_words = (up ? 4 : -4) * small;
  switch (i->kind) {
    case kData:
      if ((word & 0xFBE08000) == 0xF1000000 && constant < 256)
        move(a, bits(word, 11, 8), base, small);
      if ((word & 0xFBE08000) == 0xF1A00000 && constant < 256)
        move(a, bits(word, 11, 8), base, -small);
      if ((word & 0xFBF08000) == 0xF2000000) move(a, bits(word, 11, 8), base, constant);
      if ((word & 0xFBF08000) == 0xF2A00000) move(a, bits(word, 11, 8), base, -constant);
      if ((word & 0xFFEFF0F0) == 0xEA4F0000) move(a, bits(word, 11, 8), bits(word, 3, 0), 0);
      if (a->from == kProgramCounter) a->moved = kNoRegister;  // aligned, and of the future
      return;
    case kLoad:
    case kStore:
      if (word >> 25 != 0x7C) {  // an exclusive one: its result besides
        a->writes |= 1u << bits(word, 11, 8) | 1u << bits(word, 3, 0);
        return;
      }
      if (base == kProgramCounter) {
        a->base = base;
      } else if (up) {
        a->base = base;
        a->offset = bits(word, 11, 0);
      } else if (bits(word, 11, 11)) {
        const int32_t by = bits(word, 9, 9) ? small : -small;
        a->base = base;
        if (bits(word, 10, 10)) a->offset = by;
        if (bits(word, 8, 8)) move(a, base, base, by);
      }
      return;
    case kMultiple:
      a->base = base;
      if (bits(word, 22, 22)) {  // LDRD STRD
        a->words = 2;
        if (before) a->offset = signed_words;
        if (i->loads) a->writes |= 1u << bits(word, 15, 12) | 1u << bits(word, 11, 8);
        if (back) move(a, base, base, signed_words);
      } else {  // LDM STM
        const int32_t listed = 4 * __builtin_popcount(bits(word, 15, 0));
        a->words = listed / 4;
        if (before) a->offset = -listed;
        if (i->loads) a->writes |= bits(word, 15, 0);
        if (back) move(a, base, base, before ? -listed : listed);
      }
      return;
    case kFloatMemory:
      a->base = base;
      if (before && !back) {  // VLDR VSTR
        a->words = bits(word, 8, 8) ? 2 : 1;
        a->offset = signed_words;
      } else {
        a->words = small;
        if (before) a->offset = signed_words;
        if (back) move(a, base, base, signed_words);
      }
      return;
    case kFloatMove:
      a->writes |= 1u << base | 1u << bits(word, 15, 12);
      return;
    default:
      return;
  }
}

Addressing addressing_of(const uint8_t* code, const Instruction* i) {
  Addressing a = {.base = kNoRegister, .words = 1, .moved = kNoRegister};
  const uint32_t half = code[0] | code[1] << 8;
  if (i->kind == kData || i->kind == kDivide || i->kind == kLoad) a.writes = i->result;
  if (i->bytes == 2) {
    narrow(&a, half, i);
    if (half >> 8 == 0xBE || half >> 8 == 0xDF) a.writes = UINT16_MAX;  // BKPT, SVC
  } else {
    wide(&a, half << 16 | code[2] | code[3] << 8, i);
  }
  if (i->kind == kUnknown) a.writes = UINT16_MAX;
  return a;
}
