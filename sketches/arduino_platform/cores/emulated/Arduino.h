// The Arduino API on the emulated board: what ArduinoCore-API and the Nano 33 BLE's core offer, as
// far as there is such hardware here: clock, serial port, microphone (PDM.h), digital pins.
//
// Code of this folder stands for hardware: it takes no board time and no board memory. Nothing
// interrupts the sketch: what an interrupt would do happens in yield(), in delay() and between two
// passes of loop(). Only a live board (live.h) interrupts a sketch that keeps sound waiting.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef bool boolean;
typedef uint8_t byte;
typedef uint16_t word;
typedef uint8_t pin_size_t;

typedef enum { LOW = 0, HIGH = 1, CHANGE = 2, FALLING = 3, RISING = 4 } PinStatus;
typedef enum { INPUT = 0, OUTPUT = 1, INPUT_PULLUP = 2, INPUT_PULLDOWN = 3 } PinMode;

// As the Nano 33 BLE Sense numbers them.
#define PIN_LED 13
#define LED_BUILTIN PIN_LED
#define LEDR 22
#define LEDG 23
#define LEDB 24
#define LED_PWR 25
#define NUM_DIGITAL_PINS 26
static const uint8_t A0 = 14, A1 = 15, A2 = 16, A3 = 17, A4 = 18, A5 = 19, A6 = 20, A7 = 21;

#define PI 3.1415926535897932384626433832795
#define HALF_PI 1.5707963267948966192313216916398
#define TWO_PI 6.283185307179586476925286766559
#define DEG_TO_RAD 0.017453292519943295769236907684886
#define RAD_TO_DEG 57.295779513082320876798154814105

#define constrain(value, low, high) \
  ((value) < (low) ? (low) : ((value) > (high) ? (high) : (value)))
#define radians(degrees) ((degrees)*DEG_TO_RAD)
#define degrees(radians) ((radians)*RAD_TO_DEG)
#define sq(value) ((value) * (value))

#define lowByte(word) ((uint8_t)((word)&0xff))
#define highByte(word) ((uint8_t)((word) >> 8))
#define bit(place) (1UL << (place))
#define bitRead(value, place) (((value) >> (place)) & 1)
#define bitSet(value, place) ((value) |= (1UL << (place)))
#define bitClear(value, place) ((value) &= ~(1UL << (place)))
#define bitToggle(value, place) ((value) ^= (1UL << (place)))
#define bitWrite(value, place, to) ((to) ? bitSet(value, place) : bitClear(value, place))

#define clockCyclesPerMicrosecond() (F_CPU / 1000000L)

// One address space: program memory is read like any other.
#define PROGMEM
#define PSTR(text) (text)
#define pgm_read_byte(address) (*(const uint8_t*)(address))
#define pgm_read_word(address) (*(const uint16_t*)(address))
#define pgm_read_dword(address) (*(const uint32_t*)(address))
#define pgm_read_float(address) (*(const float*)(address))
#define pgm_read_ptr(address) (*(void* const*)(address))

#ifdef __cplusplus
extern "C" {
#endif

void setup(void);
void loop(void);

// Board time since reset: modeled cycles (or, without the cycle model, instructions) and idle
// time, at F_CPU. Wraps as on any Arduino: after 71 minutes and 50 days.
unsigned long micros(void);
unsigned long millis(void);

// Cycles of board time since reset, of which micros() is the 64th part, rounded down. Wraps after
// 67 s.
uint32_t emulated_cycles(void);

// The instruction cache as the board's clock assumes it: "on", "off", or "none" where instructions
// are counted. The real board has a register for it (NVMC ICACHECNF).
const char* emulated_icache(void);

// Handles what is due. With nothing due the CPU sleeps until the next microphone buffer, if the
// microphone plays; a live board without it sleeps for a millisecond.
void yield(void);

// Sleeps; microphone buffers are delivered meanwhile.
void delay(unsigned long ms);
void delayMicroseconds(unsigned int us);

static inline void interrupts(void) {}
static inline void noInterrupts(void) {}

// Nothing is connected to a pin: an output reads as it was written, an input by its pull resistor.
void pinMode(pin_size_t pin, int mode);
void digitalWrite(pin_size_t pin, int status);
int digitalRead(pin_size_t pin);

#ifdef __cplusplus
}

#include <algorithm>

#include "Print.h"
#include "RingBuffer.h"
#include "Stream.h"
#include "WCharacter.h"
#include "WString.h"

template <typename A, typename B>
auto min(const A& a, const B& b) -> decltype(b < a ? b : a) {
  return b < a ? b : a;
}
template <typename A, typename B>
auto max(const A& a, const B& b) -> decltype(a < b ? b : a) {
  return a < b ? b : a;
}

inline long map(long value, long from_low, long from_high, long to_low, long to_high) {
  return (value - from_low) * (to_high - to_low) / (from_high - from_low) + to_low;
}

// Pseudo-random numbers of the C library: the same after each reset.
inline void randomSeed(unsigned long seed) {
  if (seed != 0) srand(static_cast<unsigned>(seed));
}
inline long random(long end) { return end > 0 ? rand() % end : 0; }
inline long random(long begin, long end) {
  return begin < end ? begin + random(end - begin) : begin;
}

// The serial port; its other end is a pty on the host. Takes no board time.
class SerialPort final : public Stream {
 public:
  constexpr SerialPort() {}
  void begin(unsigned long baud);
  void end() { flush(); }

  // Of a live board (live.h): whether a program on the host has the port open. Otherwise waits,
  // with the board's time standing still, until the host has sent its first byte.
  explicit operator bool();

  // 1 when a byte can be read, never more: how many have arrived is a matter of the host's speed.
  // A board that is not live does not hear the host while the microphone plays: 0. Otherwise it
  // waits for the host, with the board's time standing still.
  int available() override;

  int read() override;  // the next byte, or -1; waits for nothing
  int peek() override;  // likewise, and leaves it there

  using Print::write;
  size_t write(uint8_t byte) override { return write(&byte, 1); }
  size_t write(const uint8_t* bytes, size_t count) override;
  void flush() override;
};
typedef SerialPort HardwareSerial;

extern SerialPort Serial;
#endif
