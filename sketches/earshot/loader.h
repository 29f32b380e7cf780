// Hex digits from the host become the model's input: its bytes, or the features of a clip of sound.
#pragma once

#include <cstdint>

#include "model_input.h"
#include "src/EarshotFrontEnd/front_end.h"

namespace earshot {

class Loader {
 public:
  enum class Answer {
    kMore,         // taken
    kDone,         // taken, and with it everything that was expected
    kNotExpected,  // nothing was announced, or everything is there
    kOddDigits,
    kNotHex,
  };

  Loader(FrontEnd& front_end, ModelInput& input) : front_end_(front_end), input_(input) {}

  // Announces kInputBytes bytes of the model's input.
  void expect_input();

  // Announces 16-bit little-endian samples, `bytes` in all, an even number. They go through the
  // front end one by one as they come, as a stream of their own; the model's input becomes the last
  // 49 slices.
  void expect_clip(uint32_t bytes);

  // Takes a line of hex digits; what is wrong with it is found before any of it is taken. Digits
  // beyond what is expected are ignored, as the benchmark's reference does.
  Answer add(const char* digits);

  bool loads_clip() const { return loads_clip_; }
  // CRC-32 of all values of the clip's slices, 16 bits little-endian, in the order of time.
  uint32_t features_crc() const { return features_crc_; }

 private:
  void take_sound(uint8_t byte);

  FrontEnd& front_end_;
  ModelInput& input_;
  bool loads_clip_ = false;
  uint32_t remaining_ = 0;  // bytes
  uint8_t low_byte_ = 0;    // of a sample whose high byte is the next
  uint32_t features_crc_ = 0;
};

}  // namespace earshot
