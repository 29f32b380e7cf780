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

// P, the pipeline's refill after a taken branch, which the manual leaves at 1 to 3. A target that
// stands in the instruction is known early: nrfx_coredep.h (Nordic's nrfx) counts 3 cycles for SUBS
// and BHI on nRF52832 and nRF52840, mbed's wait_ns 5 for a loop of four instructions. A target from
// a register or from memory is known one cycle later. The second cycle of BL is inferred.
static uint32_t refill_cost(const Instruction* branch) {
  return branch->kind == kJump || branch->kind == kBranchIf ? 1 : 2;
}

// Fetches are of aligned words: a 32-bit target across two of them takes a second one.
static uint32_t target_cost(uint32_t address, const Instruction* target) {
  return target->bytes == 4 && address % 4 ? 1 : 0;
}

BlockCost block_cost(uint32_t address, const Instruction* instructions, int count,
                     int conditional) {
  static const Instruction kNothing = {.kind = kOther};
  BlockCost block = {.address = address,
                     .end = address + instructions[0].bytes,
                     .first = instructions[0],
                     .last = instructions[count - 1],
                     .first_cycles = cycles_after(&kNothing, &instructions[0]),
                     .target_cycles = target_cost(address, &instructions[0]),
                     .branches = instructions[count - 1].sets_pc};
  bool last_is_conditional = false;
  for (int n = 0; n < count; ++n) {
    const Instruction* i = &instructions[n];
    if (n > 0) {
      block.rest_cycles += cycles_after(&instructions[n - 1], i);
      block.end += i->bytes;
    }
    last_is_conditional = i->kind == kBranchIf || conditional > 0;
    if (conditional > 0) --conditional;
    if (i->kind == kIt) conditional = i->it_length;
  }
  block.conditional_left = conditional;
  block.fall_through = block.end;
  if (block.branches) {
    const uint32_t refill = refill_cost(&block.last);
    if (last_is_conditional) {
      block.taken_cycles = refill;
    } else {
      block.fixed_cycles = refill;
      block.fall_through = kNoBranch;
    }
  }
  return block;
}

// Reads a line of flash; returns how long that takes: nothing if it was the last one read.
static uint32_t line_waits(uint32_t wait_states, Run* run, uint32_t line) {
  const bool again = run->line == line + 1;
  run->line = line + 1;
  return again ? 0 : wait_states;
}

// Flash is read line by line. A taken branch waits for the line of its target. From there on the
// prefetch unit reads ahead, a word in a cycle: a run takes the longer of fetching and executing.
static uint32_t fetch_and_execute(uint32_t wait_states, Run* run, const BlockCost* block,
                                  bool branched, uint32_t execution) {
  enum { kLineBytes = 16 };  // flash is read in lines of 128 bits
  uint32_t target_waits = 0;
  if (branched) {
    run->start = block->address;
    run->execution = run->waits = run->cycles = 0;
    target_waits = line_waits(wait_states, run, block->address / kLineBytes);
  }
  for (uint32_t line = block->address / kLineBytes; line <= (block->end - 1) / kLineBytes; ++line) {
    run->waits += line_waits(wait_states, run, line);
  }
  run->execution += execution;
  const uint32_t words = (block->end - 1) / 4 - run->start / 4 + 1;
  const uint32_t fetch_cycles = words + run->waits;
  const uint32_t cycles = fetch_cycles > run->execution ? fetch_cycles : run->execution;
  const uint32_t added = cycles - run->cycles;
  run->cycles = cycles;
  return target_waits + added;
}

uint32_t run_block(uint32_t wait_states, Run* run, const BlockCost* block) {
  const BlockCost* before = run->last;
  run->last = block;
  const bool branched = !before || before->fall_through != block->address;
  uint32_t refill = block->fixed_cycles;
  uint32_t first_cycles = block->first_cycles;
  if (branched) {
    refill += block->target_cycles + (before ? before->taken_cycles : 0);
  } else if (!before->branches) {
    first_cycles = cycles_after(&before->last, &block->first);
  }
  const uint32_t execution = first_cycles + block->rest_cycles;
  if (!run->reads_flash) return refill + execution;
  return refill + fetch_and_execute(wait_states, run, block, branched, execution);
}
