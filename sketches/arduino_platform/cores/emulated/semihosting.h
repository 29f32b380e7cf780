// Calls from the emulated board to its host: "Semihosting for AArch32 and AArch64", release 2.0.
#pragma once

#include <cstdint>

// No call of memcpy or memset in place of a loop: those belong to the sketch and are counted.
#pragma GCC optimize("no-tree-loop-distribute-patterns")

namespace emulated {

using Handle = int32_t;  // of an open file; negative: none

enum class Mode : uint32_t { kRead = 1, kWrite = 5, kAppend = 9 };  // "rb", "wb", "ab"

// The host's stdin, stdout and stderr, by Mode.
constexpr char kStandardStream[] = ":tt";

Handle open_file(const char* name, Mode mode);
void close_file(Handle file);
void rewind_file(Handle file);

// Bytes read: at least one, unless the file is at its end. Waits for a pipe or a terminal.
uint32_t read_file(Handle file, void* buffer, uint32_t count);
void write_file(Handle file, const void* bytes, uint32_t count);

// Ends the emulation; the message goes to the host's stderr.
[[noreturn]] void stop(const char* message);

}  // namespace emulated
