// The command recognizer for ctypes, with silence as the first label, as the last one, and without.
#include "recognizer.h"

namespace {
constexpr int kLabels = 4;
earshot::Recognizer<kLabels, 0> first;
earshot::Recognizer<kLabels, kLabels - 1> last;
earshot::Recognizer<kLabels, -1> without;
}  // namespace

extern "C" {

void recognizer_reset() {
  first.reset();
  last.reset();
  without.reset();
}

// The label that is newly recognized, with its score in the next byte up; -1 if none is.
int recognizer_add(uint32_t time_ms, const uint8_t* scores, int silence) {
  earshot::Detection detection;
  const bool detected = silence == 0  ? first.add(time_ms, scores, &detection)
                        : silence < 0 ? without.add(time_ms, scores, &detection)
                                      : last.add(time_ms, scores, &detection);
  return detected ? detection.label | static_cast<int>(detection.score) << 8 : -1;
}
}
