#include "model_input.h"

#include <algorithm>
#include <cstring>

#include "engine.h"

namespace earshot {

namespace {

constexpr bool kQuantized = kFeatureDivisor > 0;
constexpr uint32_t kElementBytes = kQuantized ? sizeof(int8_t) : sizeof(float);
constexpr uint32_t kSliceBytes = kChannels * kElementBytes;
static_assert(!kHears || kInputBytes == kClipSlices * kSliceBytes,
              "a model that hears takes a second of features");

// Writes `count` elements of the model's input.
void convert(const uint16_t* features, int count, uint8_t* bytes) {
  if (kQuantized) {
    constexpr int32_t kDivisor = kQuantized ? kFeatureDivisor : 1;
    for (int i = 0; i < count; ++i) {
      const int32_t dividend = (features[i] - kFeatureZero) * 256 + kDivisor / 2;
      const int32_t down = kFeatureZero > 0 && dividend % kDivisor < 0 ? 1 : 0;
      const int32_t value = dividend / kDivisor - down + kInputZeroPoint;
      bytes[i] = static_cast<uint8_t>(std::min(std::max(value, INT32_C(-128)), INT32_C(127)));
    }
    return;
  }
  for (int i = 0; i < count; ++i) {
    const float value = static_cast<float>(features[i] - kFeatureZero) * kFeatureStep;
    std::memcpy(bytes + sizeof(value) * i, &value, sizeof(value));
  }
}

}  // namespace

void ModelInput::clear() {
  holds_slices_ = true;
  next_ = 0;
  for (int i = 0; i < kClipSlices; ++i) add(kSilence);
}

void ModelInput::add(const uint16_t slice[kSliceValues]) {
  convert(slice, kChannels, bytes_ + next_);
  if (kLeveled) {
    first_[next_ / kSliceBytes] = slice[0];
    level_[next_ / kSliceBytes] = slice[kSliceValues - 1];
  }
  next_ = next_ + kSliceBytes < kInputBytes ? next_ + kSliceBytes : 0;
}

void ModelInput::begin_bytes() {
  holds_slices_ = false;
  next_ = 0;
}

void ModelInput::load() const {
  // After the last byte next_ stands at the end: then they lie in order, too.
  auto* tensor = static_cast<uint8_t*>(engine_input().data);
  std::memcpy(tensor, bytes_ + next_, kInputBytes - next_);
  std::memcpy(tensor + kInputBytes - next_, bytes_, next_);
  if (!kLeveled || !holds_slices_) return;
  const int32_t shift = level_shift(*std::max_element(level_, level_ + kLevels));
  uint32_t slot = next_ / kSliceBytes;
  for (int i = 0; i < kClipSlices; ++i, tensor += kSliceBytes) {
    const uint16_t feature = leveled(first_[slot], shift);
    convert(&feature, 1, tensor);
    slot = slot + 1 < kLevels ? slot + 1 : 0;
  }
}

}  // namespace earshot
