#include "semihosting.h"

namespace emulated {
namespace {

enum Operation : uint32_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWrite = 0x05,
  kRead = 0x06,
  kSeek = 0x0A,
  kExit = 0x18,
};
constexpr uint32_t kApplicationExit = 0x20026;  // QEMU exits with status 0

uint32_t call(Operation operation, const void* arguments) {
  register uint32_t r0 asm("r0") = operation;
  register const void* r1 asm("r1") = arguments;
  asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

uint32_t length(const char* text) {
  uint32_t count = 0;
  while (text[count]) ++count;
  return count;
}

}  // namespace

Handle open_file(const char* name, Mode mode) {
  const uint32_t arguments[] = {reinterpret_cast<uint32_t>(name), static_cast<uint32_t>(mode),
                                length(name)};
  return static_cast<Handle>(call(kOpen, arguments));
}

void close_file(Handle file) {
  const uint32_t arguments[] = {static_cast<uint32_t>(file)};
  call(kClose, arguments);
}

void rewind_file(Handle file) {
  const uint32_t arguments[] = {static_cast<uint32_t>(file), 0};
  call(kSeek, arguments);
}

uint32_t read_file(Handle file, void* buffer, uint32_t count) {
  const uint32_t arguments[] = {static_cast<uint32_t>(file), reinterpret_cast<uint32_t>(buffer),
                                count};
  const uint32_t not_read = call(kRead, arguments);
  return not_read <= count ? count - not_read : 0;
}

void write_file(Handle file, const void* bytes, uint32_t count) {
  const uint8_t* next = static_cast<const uint8_t*>(bytes);
  while (count > 0) {
    const uint32_t arguments[] = {static_cast<uint32_t>(file), reinterpret_cast<uint32_t>(next),
                                  count};
    const uint32_t not_written = call(kWrite, arguments);
    if (not_written >= count) return;  // nobody is there any more
    next += count - not_written;
    count = not_written;
  }
}

void stop(const char* message) {
  const Handle stderr_file = open_file(kStandardStream, Mode::kAppend);
  write_file(stderr_file, message, length(message));
  write_file(stderr_file, "\n", 1);
  for (;;) call(kExit, reinterpret_cast<const void*>(kApplicationExit));
}

}  // namespace emulated
