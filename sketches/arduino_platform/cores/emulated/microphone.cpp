#include "microphone.h"

#include "Arduino.h"
#include "PDM.h"
#include "clock.h"
#include "live.h"
#include "semihosting.h"

PDMClass PDM;

namespace emulated {
namespace {

constexpr char kSoundFile[] = "mic.pcm";  // a named pipe: little-endian int16, mono
constexpr uint32_t kSampleRateHz = 16000;
constexpr uint32_t kSampleBytes = 2;
constexpr uint32_t kCyclesPerSample = F_CPU / kSampleRateHz;
constexpr uint32_t kMaxBufferBytes = 8192;

uint8_t buffer[kMaxBufferBytes];
uint32_t buffer_bytes = DEFAULT_PDM_BUFFER_SIZE;
uint32_t unread_from = 0;
uint32_t unread_to = 0;

bool plays = false;
Handle sound = -1;  // opened when the first buffer is due
uint64_t next_buffer_at = 0;
void (*receive_callback)() = nullptr;

void stop_microphone() {
  if (sound >= 0) close_file(sound);
  sound = -1;
  plays = false;
}

// True if the buffer holds sound. A last part of a buffer is followed by silence.
bool record_buffer() {
  if (sound < 0) {
    Serial.flush();
    sound = open_file(kSoundFile, Mode::kRead);  // waits for the host
  }
  uint32_t filled = 0;
  while (filled < buffer_bytes) {
    const uint32_t count = read_file(sound, buffer + filled, buffer_bytes - filled);
    if (count == 0) break;
    filled += count;
  }
  if (filled == 0) return false;
  while (filled < buffer_bytes) buffer[filled++] = 0;
  return true;
}

// One buffer's interrupt; true if the sketch is to be called.
bool buffer_completes() {
  Uncounted scope;
  if (!microphone_plays() || next_buffer_at > now_cycles()) return false;
  next_buffer_at += static_cast<uint64_t>(buffer_bytes / kSampleBytes) * kCyclesPerSample;
  // As the library does: a buffer that has not been read when the next is complete switches the
  // microphone off.
  if (unread_from < unread_to || !record_buffer()) {
    stop_microphone();
    return false;
  }
  unread_from = 0;
  unread_to = buffer_bytes;
  return true;
}

}  // namespace

bool microphone_plays() { return plays; }

bool buffer_is_overdue() {
  Uncounted scope;
  return microphone_plays() && now_cycles() > next_buffer_at + F_CPU / 4;
}

bool deliver_buffers() {
  bool delivered = false;
  while (buffer_completes()) {
    delivered = true;
    if (receive_callback) receive_callback();
  }
  return delivered;
}

void sleep_until_buffer() {
  Uncounted scope;
  if (microphone_plays()) sleep_until(next_buffer_at);
}

// Sleeps until then or until the next buffer is complete; false if that comes first.
bool sleep_until_buffer_or(uint64_t cycles) {
  Uncounted scope;
  const bool buffer_first = microphone_plays() && next_buffer_at < cycles;
  sleep_until(buffer_first ? next_buffer_at : cycles);
  return !buffer_first;
}

uint64_t cycles_in(uint64_t us) {
  Uncounted scope;
  return now_cycles() + us * kCyclesPerMicrosecond;
}

}  // namespace emulated

int PDMClass::begin(int channels, int sample_rate_hz) {
  using namespace emulated;
  Uncounted scope;
  stop_microphone();
  if (channels != 1 || sample_rate_hz != static_cast<int>(kSampleRateHz)) return 0;
  plays = true;
  unread_from = unread_to = 0;
  next_buffer_at =
      now_cycles() + static_cast<uint64_t>(buffer_bytes / kSampleBytes) * kCyclesPerSample;
  return 1;
}

void PDMClass::end() {
  emulated::Uncounted scope;
  emulated::stop_microphone();
}

void PDMClass::onReceive(void (*callback)()) { emulated::receive_callback = callback; }

int PDMClass::available() { return static_cast<int>(emulated::unread_to - emulated::unread_from); }

int PDMClass::read(void* target, size_t size) {
  using namespace emulated;
  Uncounted scope;
  uint8_t* bytes = static_cast<uint8_t*>(target);
  size_t count = 0;
  while (count < size && unread_from < unread_to) bytes[count++] = buffer[unread_from++];
  return static_cast<int>(count);
}

void PDMClass::setBufferSize(int bytes) {
  using namespace emulated;
  if (bytes >= static_cast<int>(kSampleBytes) && bytes <= static_cast<int>(kMaxBufferBytes)) {
    buffer_bytes = static_cast<uint32_t>(bytes) / kSampleBytes * kSampleBytes;
  }
}

void yield() {
  if (emulated::deliver_buffers()) return;
  if (emulated::is_live() && !emulated::microphone_plays()) return emulated::idle();
  emulated::sleep_until_buffer();
  emulated::deliver_buffers();
}

void delay(unsigned long ms) {
  const uint64_t end = emulated::cycles_in(uint64_t{ms} * 1000);
  while (!emulated::sleep_until_buffer_or(end)) emulated::deliver_buffers();
  emulated::sleep_in_real_time();
}

void delayMicroseconds(unsigned int us) {
  emulated::Uncounted scope;
  emulated::sleep_until(emulated::cycles_in(us));
}
