#include "scores.h"

namespace earshot {

void read_scores(const TensorView& output, uint8_t scores[kLabelCount]) {
  if (output.type == ElementType::kInt8) {
    const auto* values = static_cast<const int8_t*>(output.data);
    for (int i = 0; i < kLabelCount; ++i) scores[i] = static_cast<uint8_t>(values[i] + 128);
    return;
  }
  const auto* values = static_cast<const float*>(output.data);
  for (int i = 0; i < kLabelCount; ++i) {
    const float scaled = values[i] * 256;
    // In this order a value that is not a number becomes 0.
    scores[i] = static_cast<uint8_t>(scaled > 0 ? (scaled < 255 ? scaled : 255) : 0);
  }
}

float output_value(const TensorView& output, int label) {
  if (output.type == ElementType::kFloat32) return static_cast<const float*>(output.data)[label];
  const int quantized = static_cast<const int8_t*>(output.data)[label];
  return static_cast<float>(quantized - output.zero_point) * output.scale;
}

}  // namespace earshot
