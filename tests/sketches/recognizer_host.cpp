// The command recognizer for ctypes.
#include "recognizer.h"

namespace {
constexpr int kLabels = 4;
earshot::Recognizer<kLabels> recognizer;
}  // namespace

extern "C" {

void recognizer_reset() { recognizer.reset(); }

// The label that is newly recognized, with its score in the next byte up; -1 if none is.
int recognizer_add(uint32_t time_ms, const uint8_t* scores) {
  earshot::Detection detection;
  if (!recognizer.add(time_ms, scores, &detection)) return -1;
  return detection.label | static_cast<int>(detection.score) << 8;
}
}
