// What the model says of each label.
#pragma once

#include <cstdint>

#include "engine.h"
#include "variant.h"

namespace earshot {

// 0 to 255 for each label, as micro_speech's recognizer takes them: an int8 output moved up by 128,
// a float one times 256.
void read_scores(const TensorView& output, uint8_t scores[kLabelCount]);

// The real value of a label's output.
float output_value(const TensorView& output, int label);

}  // namespace earshot
