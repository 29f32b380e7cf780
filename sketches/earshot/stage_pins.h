// Pins that tell a power meter what the board does, in an image built for one.
//
// `earshot energy` builds with EARSHOT_STAGE_PINS, `earshot mlperf --energy` with
// EARSHOT_TIMESTAMP_PIN, which are defined at the top of this file. In any other image the
// functions are empty.
#pragma once

#include <cstdint>

namespace earshot {

// D2 and D3 of the Nano 33 BLE Sense: side by side on the header, on one port of the processor, and
// without another function. A stage's value is that of the pins: bit 0 is D2, bit 1 is D3. It is a
// Gray code, so that from stage to stage one pin changes.
enum class Stage : uint8_t { kIdle = 0, kPreprocess = 1, kInference = 3, kPostprocess = 2 };

#if defined(EARSHOT_STAGE_PINS) || defined(EARSHOT_TIMESTAMP_PIN)
void start_pins();
#else
inline void start_pins() {}
#endif

#if defined(EARSHOT_STAGE_PINS)
void show_stage(Stage stage);
#else
inline void show_stage(Stage) {}
#endif

// The benchmark's timestamp in its energy mode: D2, which is high, is low for 50 us. Its rules ask
// for 1 us; a meter that samples every 10 us sees this one.
#if defined(EARSHOT_TIMESTAMP_PIN)
constexpr bool kTimestampPin = true;
void pulse_timestamp();
#else
constexpr bool kTimestampPin = false;
inline void pulse_timestamp() {}
#endif

}  // namespace earshot
