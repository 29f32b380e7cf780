// What the C library asks of its system: the heap, and standard output to the serial port.
//
// Earshot's own build leaves this folder out: its sketch has no heap, and the linker proves it.
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../Arduino.h"

extern "C" {

extern uint8_t sketch_bss_end, board_ram_end;  // board.ld

// The heap takes the RAM that variables leave; the stack has a region of its own.
void* _sbrk(ptrdiff_t count) {
  static uint8_t* end = &sketch_bss_end;
  if (count > &board_ram_end - end) {
    errno = ENOMEM;
    return reinterpret_cast<void*>(-1);
  }
  uint8_t* const begin = end;
  end += count;
  return begin;
}

// A sketch never ends: the destructors of its global objects need not be kept.
void* __dso_handle = nullptr;
int __aeabi_atexit(void*, void (*)(void*), void*) { return 0; }

int _write(int, const void* bytes, size_t count) {
  return static_cast<int>(Serial.write(static_cast<const uint8_t*>(bytes), count));
}

int _read(int, void*, size_t) { return 0; }
int _close(int) { return 0; }
off_t _lseek(int, off_t, int) { return 0; }
int _isatty(int) { return 1; }
int _fstat(int, struct stat* status) {
  status->st_mode = S_IFCHR;
  return 0;
}
}
