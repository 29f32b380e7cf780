#include "live.h"

#include "Arduino.h"
#include "clock.h"
#include "microphone.h"
#include "semihosting.h"

namespace emulated {
namespace {

constexpr char kPortFile[] = "serial.open";  // '1' while a program has the port open
// The board writes its time and waits for bytes on its standard input: kReached when real time has
// come so far, another one when the host has sent something.
constexpr char kWaitFile[] = "wait";
constexpr char kReached = 't';
constexpr uint64_t kAheadCycles = F_CPU / 200;  // a board that is less ahead of real time runs on
constexpr uint64_t kIdleCycles = F_CPU / 1000;

struct SysTick {
  volatile uint32_t control;  // bits 0 to 2: runs, interrupts, at the processor's clock
  volatile uint32_t reload;
};
SysTick& timer = *reinterpret_cast<SysTick*>(0xE000E010);
constexpr uint32_t kInterruptTicks = 2500000;  // 100 ms of the emulator's 25 MHz

Handle port = -1;
Handle wait = -1;
Handle wakes = -1;
uint64_t reached = 0;

void let_real_time_pass(bool whole) {
  // Live sound comes in real time.
  if (!is_live() || microphone_plays()) return;
  const uint64_t now = now_cycles();
  if (now < reached + kAheadCycles) return;
  Serial.flush();
  reached = now;
  const uint64_t times[] = {now, slept_cycles()};
  write_file(wait, times, sizeof times);
  for (bool over = false; !over;) {
    char bytes[64];
    const uint32_t count = read_file(wakes, bytes, sizeof bytes);
    if (count == 0) stop("the host has unplugged the board");
    over = !whole;
    for (uint32_t n = 0; n < count; ++n) over = over || bytes[n] == kReached;
  }
}

}  // namespace

void start_live() {
  port = open_file(kPortFile, Mode::kRead);
  if (!is_live()) return;
  wait = open_file(kWaitFile, Mode::kWrite);
  wakes = open_file(kStandardStream, Mode::kRead);
  timer.reload = kInterruptTicks;
  timer.control = 7;
}

bool is_live() { return port >= 0; }

bool port_is_open() {
  char state = '0';
  rewind_file(port);
  read_file(port, &state, 1);
  return state == '1';
}

void keep_to_real_time() {
  Uncounted scope;
  let_real_time_pass(false);
}

void sleep_in_real_time() {
  Uncounted scope;
  let_real_time_pass(true);
}

void interrupt() {
  if (!Uncounted::exists() && buffer_is_overdue()) deliver_buffers();
}

void idle() {
  Uncounted scope;
  sleep_until(now_cycles() + kIdleCycles);
  let_real_time_pass(false);
}

}  // namespace emulated
