#include "clock.h"

#include "Arduino.h"
#include "semihosting.h"

namespace emulated {
namespace {

// The cycle model keeps its count in this file, with the layout of Counters. Without the model
// there is no such file, and CMSDK timer 0 counts instructions: with `-icount shift=6` an
// instruction is 64 ns of the machine's time and the timer runs at 25 MHz. So 5 instructions are 8
// ticks, and each number of ticks stands for one number of instructions.
constexpr char kCounterFile[] = "cycles";
struct Counters {
  uint64_t cycles;
  uint64_t unknown_instructions;
  uint64_t icache;
};
constexpr uint32_t kInstructionsPer8Ticks = 5;

struct CmsdkTimer {
  volatile uint32_t control;  // bit 0: runs
  volatile uint32_t value;    // counts down
  volatile uint32_t reload;
};
CmsdkTimer& timer = *reinterpret_cast<CmsdkTimer*>(0x40000000);

Handle counter = -1;
uint64_t ticks = 0;
uint32_t last_timer_value = 0;
uint64_t slept = 0;
uint64_t uncounted_instructions = 0;
volatile int uncounted_depth = 0;

// The timer wraps after 2.7 thousand million instructions, 42 s of a busy board; whoever asks for
// the time, yields or uses the serial port reads it.
uint64_t instructions() {
  const uint32_t value = timer.value;
  ticks += last_timer_value - value;
  last_timer_value = value;
  return (ticks * kInstructionsPer8Ticks + 7) / 8;
}

bool counts_cycles() { return counter >= 0; }

uint64_t busy_cycles() {
  if (!counts_cycles()) return instructions() - uncounted_instructions;
  uint64_t cycles = 0;
  rewind_file(counter);
  read_file(counter, &cycles, sizeof cycles);
  return cycles;
}

}  // namespace

void start_clock() {
  counter = open_file(kCounterFile, Mode::kRead);
  if (!counts_cycles()) {
    last_timer_value = timer.reload = timer.value = UINT32_MAX;
    timer.control = 1;
  }
}

uint64_t now_cycles() { return busy_cycles() + slept; }

uint64_t slept_cycles() { return slept; }

void sleep_until(uint64_t cycles) {
  const uint64_t now = now_cycles();
  if (cycles > now) slept += cycles - now;
}

Uncounted::Uncounted()
    : start_(counts_cycles() ? 0 : instructions()), uncounted_(uncounted_instructions) {
  uncounted_depth = uncounted_depth + 1;
}

Uncounted::~Uncounted() {
  // One within this one has added its part already.
  if (!counts_cycles()) uncounted_instructions = uncounted_ + instructions() - start_;
  uncounted_depth = uncounted_depth - 1;
}

bool Uncounted::exists() { return uncounted_depth > 0; }

}  // namespace emulated

const char* emulated_icache() {
  using namespace emulated;
  Uncounted scope;
  if (!counts_cycles()) return "none";
  Counters counters = {};
  rewind_file(counter);
  read_file(counter, &counters, sizeof counters);
  return counters.icache ? "on" : "off";
}

uint32_t emulated_cycles() {
  emulated::Uncounted scope;
  return static_cast<uint32_t>(emulated::now_cycles());
}

unsigned long micros() {
  emulated::Uncounted scope;
  return static_cast<uint32_t>(emulated::now_cycles() / emulated::kCyclesPerMicrosecond);
}

unsigned long millis() {
  emulated::Uncounted scope;
  const uint64_t us = emulated::now_cycles() / emulated::kCyclesPerMicrosecond;
  // Long division by 1000, 16 bits at a time: a 64-bit division is a library call, whose cycles
  // would count.
  uint32_t quotient = 0;
  uint32_t remainder = 0;
  for (int shift = 48; shift >= 0; shift -= 16) {
    const uint32_t part = remainder << 16 | (static_cast<uint32_t>(us >> shift) & 0xFFFF);
    quotient = quotient << 16 | part / 1000;
    remainder = part % 1000;
  }
  return quotient;
}
