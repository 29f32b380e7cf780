// Runs a benchmark from elsewhere, whose main() is compiled as benchmark_main(), and prints what it
// prints.
#include "Arduino.h"

extern "C" {

int benchmark_main(void);

// As mupq/common/hal.h declares them.
void hal_setup(int) {}
uint64_t hal_get_time(void) { return emulated_cycles(); }
void hal_send_str(const char* text) {
  size_t length = 0;
  while (text[length]) ++length;
  Serial.write(text, length);
  Serial.write("\n", 1);
}

// In place of the chip's generator: Numerical Recipes' one, a word at a time.
int PQCLEAN_randombytes(uint8_t* bytes, size_t count) {
  static uint32_t state = 1;
  for (size_t i = 0; i < count; ++i) {
    if (i % 4 == 0) state = state * 1664525 + 1013904223;
    bytes[i] = static_cast<uint8_t>(state >> (8 * (i % 4)));
  }
  return 0;
}

}  // extern "C"

void setup() {
  Serial.begin(115200);
  benchmark_main();
  hal_send_str("benchmark ended");
}

void loop() { yield(); }
