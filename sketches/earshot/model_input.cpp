#include "model_input.h"

#include <algorithm>
#include <cstring>

#include "engine.h"

namespace earshot {

namespace {

constexpr bool kQuantized = kFeatureDivisor > 0;
constexpr uint32_t kElementBytes = kQuantized ? sizeof(int8_t) : sizeof(float);
constexpr uint32_t kSliceBytes = kChannels * kElementBytes;
static_assert(!kTakesMicroFeatures || kInputBytes == kClipSlices * kSliceBytes,
              "a model that takes micro features takes a second of them");

void quantize(const uint16_t* slice, uint8_t* bytes) {
  constexpr int32_t kDivisor = kQuantized ? kFeatureDivisor : 1;
  for (int i = 0; i < kChannels; ++i) {
    const int32_t value = (slice[i] * 256 + kDivisor / 2) / kDivisor + kInputZeroPoint;
    bytes[i] = static_cast<uint8_t>(std::min(std::max(value, INT32_C(-128)), INT32_C(127)));
  }
}

void make_float(const uint16_t* slice, uint8_t* bytes) {
  constexpr float kFeatureScale = 10.0f / 256;  // a product without rounding
  float features[kChannels];
  for (int i = 0; i < kChannels; ++i) features[i] = static_cast<float>(slice[i]) * kFeatureScale;
  std::memcpy(bytes, features, sizeof(features));
}

}  // namespace

void ModelInput::clear() {
  const uint16_t silence[kChannels] = {};
  next_ = 0;
  for (int i = 0; i < kClipSlices; ++i) add(silence);
}

void ModelInput::add(const uint16_t slice[kChannels]) {
  if (kQuantized) {
    quantize(slice, bytes_ + next_);
  } else {
    make_float(slice, bytes_ + next_);
  }
  next_ = next_ + kSliceBytes < kInputBytes ? next_ + kSliceBytes : 0;
}

void ModelInput::begin_bytes() { next_ = 0; }

void ModelInput::load() const {
  // After the last byte next_ stands at the end: then they lie in order, too.
  auto* tensor = static_cast<uint8_t*>(engine_input().data);
  std::memcpy(tensor, bytes_ + next_, kInputBytes - next_);
  std::memcpy(tensor + kInputBytes - next_, bytes_, next_);
}

}  // namespace earshot
