// From reset to the sketch.
#include <cstdint>

#include "Arduino.h"
#include "clock.h"
#include "live.h"
#include "microphone.h"
#include "semihosting.h"

// Set by board.ld.
extern "C" {
extern uint32_t board_stack_top;
extern uint32_t sketch_data_begin, sketch_data_end, sketch_data_image;
extern uint32_t sketch_bss_begin, sketch_bss_end;
extern uint32_t core_data_begin, core_data_end, core_data_image;
extern uint32_t core_bss_begin, core_bss_end;
extern void (*constructors_begin[])();
extern void (*constructors_end[])();
}

namespace {

void copy(uint32_t* to, const uint32_t* end, const uint32_t* from) {
  while (to < end) *to++ = *from++;
}

void clear(uint32_t* from, const uint32_t* end) {
  while (from < end) *from++ = 0;
}

void enable_floating_point() {
  volatile uint32_t& coprocessor_access = *reinterpret_cast<uint32_t*>(0xE000ED88);
  coprocessor_access = coprocessor_access | 0xFu << 20;
  asm volatile("dsb\n\tisb");
}

// The host waits for this file.
void tell_host_of_start() {
  emulated::close_file(emulated::open_file("started", emulated::Mode::kWrite));
}

}  // namespace

extern "C" {

[[noreturn]] void start() {
  enable_floating_point();
  copy(&sketch_data_begin, &sketch_data_end, &sketch_data_image);
  copy(&core_data_begin, &core_data_end, &core_data_image);
  clear(&sketch_bss_begin, &sketch_bss_end);
  clear(&core_bss_begin, &core_bss_end);
  tell_host_of_start();
  emulated::start_clock();
  emulated::start_live();
  for (void (**constructor)() = constructors_begin; constructor < constructors_end; ++constructor) {
    (*constructor)();
  }
  setup();
  for (;;) {
    emulated::deliver_buffers();
    emulated::keep_to_real_time();
    loop();
  }
}

[[noreturn]] void fault() { emulated::stop("the sketch ran into a hardware fault"); }

// What the C++ library calls at a pure virtual function, a failed assertion or abort().
[[noreturn]] void _exit(int) { emulated::stop("the sketch aborted"); }
int _kill(int, int) { emulated::stop("the sketch aborted"); }
int _getpid() { return 1; }
}

extern "C" void tick() { emulated::interrupt(); }

// Of ARMv7-M: initial stack pointer, reset, NMI, the four faults, and at the end SysTick.
extern "C" __attribute__((section(".vectors"), used)) const void* const vectors[] = {
    &board_stack_top,
    reinterpret_cast<const void*>(start),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    reinterpret_cast<const void*>(tick),
};
