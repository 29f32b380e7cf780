#include "arduino_board.h"

#include <Arduino.h>
#include <PDM.h>

#include "stage_pins.h"

namespace earshot {

SampleRing microphone_ring;

namespace {

#if defined(NRF52840_XXAA)
// nRF52840 product specification, NVMC.ICACHECNF: bit 0 enables the cache, bit 8 its profiling.
volatile uint32_t& cache_configuration = *reinterpret_cast<volatile uint32_t*>(0x4001E540);
constexpr uint32_t kCacheEnable = 1;
// The processor's cycle counter. ARMv7-M Architecture Reference Manual, C1.6.5 and C1.8: bit 24 of
// DEMCR enables the unit, bit 0 of DWT_CTRL the counter.
volatile uint32_t& debug_control = *reinterpret_cast<volatile uint32_t*>(0xE000EDFC);
volatile uint32_t& counter_control = *reinterpret_cast<volatile uint32_t*>(0xE0001000);
const volatile uint32_t& cycle_counter = *reinterpret_cast<volatile uint32_t*>(0xE0001004);
constexpr uint32_t kTraceEnable = 1u << 24;
constexpr uint32_t kCounterEnable = 1;
#endif

// The benchmark's, for energy and for performance; USB has its own.
constexpr uint32_t kBaud = kTimestampPin ? 9600 : 115200;
constexpr int kMonaural = 1;
constexpr int kSampleRateHz = 16000;
constexpr uint32_t kBufferSamples = 256;  // of the PDM library: 512 bytes

// Called from an interrupt on the real board. All of the buffer has to be read: a rest that is
// there when the next one is complete makes the library switch the microphone off.
void receive_sound() {
  static int16_t samples[kBufferSamples];
  int bytes;
  while ((bytes = PDM.read(samples, sizeof(samples))) > 0) {
    microphone_ring.write(samples, static_cast<uint32_t>(bytes) / sizeof(samples[0]));
  }
}

}  // namespace

#if defined(EARSHOT_STAGE_PINS) || defined(EARSHOT_TIMESTAMP_PIN)

namespace {

constexpr pin_size_t kPins[] = {2, 3};

// Sets the pins whose bits are 1, and clears the others.
void write_pins(uint32_t bits) {
#if defined(NRF52840_XXAA)
  // nRF52840 product specification, GPIO: OUTSET and OUTCLR of port 1. D2 is P1.11 and D3 is P1.12
  // (variant.cpp of ArduinoCore-mbed). Arduino's digitalWrite takes some hundred cycles.
  constexpr uint32_t kFirst = 11, kBoth = 3;
  *reinterpret_cast<volatile uint32_t*>(0x5000080C) = (bits ^ kBoth) << kFirst;
  *reinterpret_cast<volatile uint32_t*>(0x50000808) = bits << kFirst;
#else
  digitalWrite(kPins[0], bits & 1 ? HIGH : LOW);
  digitalWrite(kPins[1], bits & 2 ? HIGH : LOW);
#endif
}

}  // namespace

void start_pins() {
  for (const pin_size_t pin : kPins) pinMode(pin, OUTPUT);
  write_pins(kTimestampPin);
}

#endif

#if defined(EARSHOT_STAGE_PINS)
void show_stage(Stage stage) { write_pins(static_cast<uint32_t>(stage)); }
#endif

#if defined(EARSHOT_TIMESTAMP_PIN)
void pulse_timestamp() {
  write_pins(0);
  delayMicroseconds(50);
  write_pins(1);
}
#endif

void ArduinoBoard::begin() {
  start_pins();
  Serial.begin(kBaud);
  while (!Serial) yield();
  PDM.onReceive(receive_sound);
}

const char* ArduinoBoard::name() {
#if defined(ARDUINO_ARDUINO_NANO33BLE)
  return "nano33ble";
#elif defined(ARDUINO_EARSHOT_EMULATED)
  return "emulated";
#else
#error "This board has no name yet: give it one here."
#endif
}

uint32_t ArduinoBoard::clock_hz() {
#if defined(NRF52840_XXAA)
  return 64000000;  // the only one that it has; the mbed core defines no F_CPU
#else
  return F_CPU;
#endif
}

const char* ArduinoBoard::icache() {
#if defined(NRF52840_XXAA)
  return cache_configuration & kCacheEnable ? "on" : "off";
#elif defined(ARDUINO_EARSHOT_EMULATED)
  return emulated_icache();
#else
  return "none";
#endif
}

void ArduinoBoard::set_icache(bool on) {
#if defined(NRF52840_XXAA)
  const uint32_t others = cache_configuration & ~kCacheEnable;
  cache_configuration = on ? others | kCacheEnable : others;
#else
  (void)on;
#endif
}

uint32_t ArduinoBoard::micros() { return ::micros(); }

uint32_t ArduinoBoard::millis() { return ::millis(); }

void ArduinoBoard::write(const char* text, int count) {
  Serial.write(reinterpret_cast<const uint8_t*>(text), static_cast<size_t>(count));
}

void ArduinoBoard::flush() { Serial.flush(); }

bool ArduinoBoard::start_microphone() { return PDM.begin(kMonaural, kSampleRateHz) != 0; }

void ArduinoBoard::stop_microphone() { PDM.end(); }

bool ArduinoBoard::read_cycles(uint32_t* now) {
#if defined(NRF52840_XXAA)
  if (!(counter_control & kCounterEnable)) {  // only who counts pays for the current it takes
    debug_control = debug_control | kTraceEnable;
    counter_control = counter_control | kCounterEnable;
  }
  *now = cycle_counter;
  return (counter_control & kCounterEnable) != 0;
#elif defined(ARDUINO_EARSHOT_EMULATED)
  *now = emulated_cycles();
  return true;
#else
  (void)now;
  return false;
#endif
}

}  // namespace earshot
