// What the sketch asks of an inference engine, whichever engine was built in.
//
// The definitions are generated beside this header (engine.cpp) from a .tflite model.
#pragma once

#include <cstdint>

namespace earshot {

enum class ElementType : uint8_t { kInt8, kFloat32 };

// An input or output tensor where it lies in the engine's memory.
// Real value of an int8 element q: (q - zero_point) * scale. Float elements stand for themselves.
struct TensorView {
  void* data;
  uint32_t bytes;
  ElementType type;
  float scale;
  int32_t zero_point;
};

extern const char kEngineName[];     // such as "codegen"
extern const char kEngineKernels[];  // such as "reference"

// Checks everything that can be wrong, so that nothing is checked in an invocation.
bool engine_begin();

TensorView engine_input();
TensorView engine_output();

bool engine_invoke();

// Memory for activations, in bytes.
uint32_t engine_arena_bytes();

// An engine calls these around each operator. They count its cycles in an image built with
// --profile, which defines EARSHOT_PROFILE at the top of this file, and do nothing in any other.
#if defined(EARSHOT_PROFILE)

class Board;

class OperatorClock {
 public:
  static constexpr uint32_t kMost = 256;

  // Forgets what was counted; from here on, `board` counts.
  void start(Board& board);
  void begin();
  void end();

  uint32_t count() const { return count_; }  // may exceed kMost; the first ones are kept
  uint32_t cycles(uint32_t number) const { return cycles_[number]; }

 private:
  Board* board_ = nullptr;
  uint32_t count_ = 0, begin_ = 0;
  uint32_t cycles_[kMost];
};

extern OperatorClock operator_clock;

inline void operator_begins() { operator_clock.begin(); }
inline void operator_ends() { operator_clock.end(); }

#else

inline void operator_begins() {}
inline void operator_ends() {}

#endif

}  // namespace earshot
