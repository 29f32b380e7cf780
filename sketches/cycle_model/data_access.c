#include "data_access.h"

#include <stdlib.h>
#include <string.h>

enum { kBusBytes = 4 };

uint32_t load_waits(uint32_t wait_states, uint32_t address, uint32_t bytes, uint32_t aligned) {
  // TRM 3.3.2: an unaligned halfword is read as two bytes; a word as two halfwords, or as a byte, a
  // halfword and a byte: a cycle more for each.
  const uint32_t waits = (address & aligned) == 0 ? 0 : aligned == 3 && address % 2 ? 2 : 1;
  if (address >= kRamAddress) return waits;
  const uint32_t words = (address + bytes - 1) / kBusBytes - address / kBusBytes + 1;
  return waits + words * wait_states;
}

uint32_t group_waits(uint32_t wait_states, const LoadGroup* group, uint32_t address) {
  if ((address & group->aligned) == 0) return address < kRamAddress ? group->flash_waits : 0;
  uint32_t waits = 0;
  for (const Load* load = group->loads; load < group->loads + group->count; ++load) {
    waits += load_waits(wait_states, address + load->distance, load->bytes, load->aligned);
  }
  return waits;
}

// A register's value: a value that is not known, plus an offset.
typedef struct {
  int origin;
  int32_t offset;
} Value;

// The first load of an origin, which counts those that follow.
typedef struct {
  int instruction;
  int32_t offset;
} Leader;

static void add_load(uint32_t wait_states, LoadGroup* group, int32_t distance, const Instruction* i,
                     const Addressing* a) {
  const uint8_t part = i->kind == kLoad ? i->aligned + 1 : kBusBytes;
  group->loads[group->count++] = (Load){distance, a->words * part, i->aligned};
  group->aligned |= i->aligned;
  group->flash_waits += a->words * wait_states;
}

void plan_loads(uint32_t wait_states, uint8_t code[][4], const Instruction* instructions, int count,
                int conditional, LoadPlan* plan) {
  enum { kRegisters = 16, kMaxOrigins = kRegisters * (kMaxInstructions + 1) };
  static Leader leaders[kMaxOrigins];  // QEMU translates one block at a time
  int origins = kRegisters;
  Value values[kRegisters];
  for (int n = 0; n < kRegisters; ++n) {
    values[n] = (Value){n, 0};
    leaders[n].instruction = -1;
  }
  plan->literal_waits = 0;

  for (int n = 0; n < count; ++n) {
    const Instruction* i = &instructions[n];
    const Addressing a = addressing_of(code[n], i);
    const bool certain = conditional == 0;
    plan->counting[n] = kNoWaits;
    if (i->loads) {
      const bool known = a.base != kNoRegister, planned = certain && known;
      const Value base = known ? values[a.base] : (Value){0, 0};
      const int32_t offset = base.offset + a.offset;
      Leader* leader = &leaders[base.origin];
      if (known && base.origin == kStackPointer && (offset & i->aligned) == 0) {
        // In RAM and aligned.
      } else if (planned && a.base == kProgramCounter) {
        plan->literal_waits += wait_states;
      } else if (planned && leader->instruction >= 0 &&
                 ((offset - leader->offset) & i->aligned) == 0) {
        add_load(wait_states, plan->groups[leader->instruction], offset - leader->offset, i, &a);
      } else if (planned && i->kind == kLoad && leader->instruction < 0) {
        *leader = (Leader){n, offset};
        plan->counting[n] = kGroup;
        plan->groups[n] = calloc(1, sizeof(LoadGroup) + count * sizeof(Load));
        if (!plan->groups[n]) abort();
        add_load(wait_states, plan->groups[n], 0, i, &a);
      } else {
        plan->counting[n] = kEachLoad;
      }
    }
    const Value from = a.moved != kNoRegister ? values[a.from] : (Value){0, 0};
    for (int r = 0; r < kRegisters; ++r) {
      if (!(a.writes >> r & 1)) continue;
      leaders[origins].instruction = -1;
      values[r] = (Value){origins++, 0};
    }
    if (certain && a.moved != kNoRegister) {
      values[a.moved] = (Value){from.origin, from.offset + a.by};
    }
    if (conditional > 0) --conditional;
    if (i->kind == kIt) conditional = i->it_length;
  }
}
