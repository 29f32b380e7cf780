// The rules between instructions: "Cortex-M4 Technical Reference Manual", 3.3.2 and 7.2.3.
#include "block_cost.h"

static bool addresses_memory(const Instruction* i) {
  switch (i->kind) {
    case kLoad:
    case kStore:
    case kStoreRegister:
    case kMultiple:
    case kTableBranch:
    case kFloatMemory:
      return true;
    default:
      return false;
  }
}

static uint32_t cycles_after(const Instruction* before, const Instruction* i) {
  uint32_t cycles = i->cycles;
  const bool address_just_loaded = before->kind == kLoad && before->result & i->address;
  const bool address_just_computed =
      (before->kind == kData || before->kind == kDivide) && before->result & i->address;

  // "LDR [any] are pipelined when possible": a load or store after a load hides its first cycle,
  // unless its address waits for that load.
  if (before->kind == kLoad && !address_just_loaded && cycles == 2 && !i->sets_pc &&
      (i->kind == kLoad || i->kind == kStoreRegister)) {
    cycles = 1;
  }
  // "Any load or store that generates an address dependent on the result of a preceding data
  // processing operation stalls the pipeline for an additional cycle."
  if (address_just_computed && addresses_memory(i)) ++cycles;
  // "Floating-point arithmetic … take one cycle longer if their result is consumed by the
  // following instruction."
  if (before->kind == kFloat && before->float_result & i->float_inputs) ++cycles;
  // "An IT instruction can be folded onto a preceding 16-bit Thumb instruction."
  if (i->kind == kIt && before->bytes == 2) cycles = 0;
  return cycles;
}

uint32_t refill_cost(const TimingParameters* timing) {
  return timing->refill_cycles + (timing->icache ? 0 : timing->wait_states);
}

BlockCost block_cost(const TimingParameters* timing, uint32_t address,
                     const Instruction* instructions, int count) {
  BlockCost cost = {.address = address, .fall_through = kNoBranch};
  uint32_t end = address;
  int conditional_left = 0;  // instructions still under an IT
  Instruction before = {.kind = kOther};

  for (int n = 0; n < count; ++n) {
    const Instruction* i = &instructions[n];
    cost.cycles += cycles_after(&before, i);
    end += i->bytes;
    const bool conditional = i->kind == kBranchIf || conditional_left > 0;
    if (conditional_left > 0) --conditional_left;
    if (i->kind == kIt) conditional_left = i->it_length;
    if (i->sets_pc) {
      if (conditional) {
        cost.fall_through = end;
      } else {
        cost.cycles += refill_cost(timing);
      }
    }
    before = *i;
  }

  if (!timing->icache && count > 0) {
    // The prefetch unit runs ahead: a block takes as long as the longer of fetching and executing.
    const uint32_t words = (end - 1) / 4 - address / 4 + 1;
    const uint32_t fetch_cycles = words * (1 + timing->wait_states);
    if (fetch_cycles > cost.cycles) cost.cycles = fetch_cycles;
  }
  return cost;
}
