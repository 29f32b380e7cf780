// A staged sketch for ctypes: everything but the Arduino API, on a board that is plain memory.
#include <cstring>
#include <string>

#include "board.h"
#include "commands.h"
#include "listener.h"
#include "loader.h"
#include "model_input.h"
#include "sample_ring.h"

namespace {

class MemoryBoard final : public earshot::Board {
 public:
  const char* name() override { return "memory"; }
  uint32_t clock_hz() override { return 64000000; }
  const char* icache() override { return !has_icache ? "none" : icache_on ? "on" : "off"; }
  void set_icache(bool on) override { icache_on = on; }
  uint32_t micros() override {
    calls += 't';
    return now_us += us_between_readings;
  }
  uint32_t millis() override { return now_ms; }
  void write(const char* text, int count) override {
    calls += 'w';
    output.append(text, static_cast<size_t>(count));
  }
  void flush() override { calls += 'f'; }
  bool start_microphone() override { return microphone_on = microphone_works; }
  void stop_microphone() override { microphone_on = false; }
  bool read_cycles(uint32_t* now) override {
    *now = now_us += us_between_readings;
    return us_between_readings > 0;
  }

  std::string output;
  std::string calls;  // of micros, write and flush, in order: t, w, f
  uint32_t now_us = 0, us_between_readings = 0, now_ms = 0;
  bool microphone_works = true, microphone_on = false;
  bool has_icache = false, icache_on = false;
};

struct Sketch {
  MemoryBoard board;
  earshot::SampleRing ring;
  earshot::FrontEnd front_end;
  earshot::ModelInput input;
  earshot::Loader loader{front_end, input};
  earshot::Listener listener{board, ring, front_end, input};
  earshot::Commands commands{board, input, loader, listener};
};

int take(std::string& from, char* to) {
  const auto count = from.size();
  std::memcpy(to, from.data(), count);
  from.clear();
  return static_cast<int>(count);
}

}  // namespace

extern "C" {

Sketch* sketch_new() { return new Sketch; }
void sketch_delete(Sketch* sketch) { delete sketch; }
void sketch_begin(Sketch* sketch) { sketch->commands.begin(); }

void sketch_receive(Sketch* sketch, const char* bytes, int count) {
  for (int i = 0; i < count; ++i) sketch->commands.receive(bytes[i]);
}

int sketch_output_bytes(Sketch* sketch) { return static_cast<int>(sketch->board.output.size()); }
int sketch_take_output(Sketch* sketch, char* to) { return take(sketch->board.output, to); }
int sketch_take_calls(Sketch* sketch, char* to) { return take(sketch->board.calls, to); }

void sketch_set_clock(Sketch* sketch, uint32_t now_us, uint32_t us_between_readings,
                      uint32_t now_ms) {
  sketch->board.now_us = now_us;
  sketch->board.us_between_readings = us_between_readings;
  sketch->board.now_ms = now_ms;
}

void sketch_break_microphone(Sketch* sketch) { sketch->board.microphone_works = false; }
void sketch_give_icache(Sketch* sketch) { sketch->board.has_icache = true; }
bool sketch_microphone_on(Sketch* sketch) { return sketch->board.microphone_on; }

// What the microphone's interrupt does.
void sketch_hear(Sketch* sketch, const int16_t* samples, uint32_t count) {
  sketch->ring.write(samples, count);
}

bool sketch_step(Sketch* sketch) { return sketch->listener.step(); }
}
