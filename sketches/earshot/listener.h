// The streaming mode: sound, features, inference, words; one record a line.
#pragma once

#include <cstdint>

#include "board.h"
#include "model_input.h"
#include "sample_ring.h"
#include "src/EarshotFrontEnd/front_end.h"
#include "src/EarshotRecognizer/recognizer.h"
#include "src/EarshotRecords/record.h"
#include "variant.h"

namespace earshot {

class Listener {
 public:
  Listener(Board& board, SampleRing& ring, FrontEnd& front_end, ModelInput& input)
      : board_(board), ring_(ring), front_end_(front_end), input_(input) {}

  // Starts the microphone, with everything before forgotten. The first `echoed` samples are sent
  // back as they are, and nothing else is done with them. Returns whether the microphone works.
  bool start(uint32_t echoed = 0);

  bool listening() const { return listening_; }

  // Sends back a block of sound, or takes all sound that is there and, if it completes any slices
  // of features, infers once from all of them. Returns whether there was a block or an inference.
  bool step();

  struct StageCycles {
    uint32_t preprocess, inference, postprocess;
  };

  // Runs each stage once: on noise, where the model hears, else on the model's input. No other
  // stage and no rounding changes what one takes. Returns whether the model ran.
  bool count_cycles(StageCycles* cycles);

  // Stops the microphone, works through what was heard until then, and sends the `end` record.
  void stop();

 private:
  // Of sound in a record: 4 ms. Records of these take 70 kB a second, of which 64 kB are the
  // sound's digits.
  static constexpr uint32_t kEchoBlock = 64;

  bool echo();
  void send_echo();
  int take_sound();
  void report_losses();
  void send(RecordBuilder& record);
  uint32_t now_ms() { return board_.millis() - started_ms_; }

  Board& board_;
  SampleRing& ring_;
  FrontEnd& front_end_;
  ModelInput& input_;
  Recognizer<RecognizerParameters> recognizer_;
  bool listening_ = false;
  uint32_t started_ms_ = 0;
  uint32_t samples_heard_ = 0;
  uint32_t to_echo_ = 0;  // samples, those of the block apart
  uint32_t echoed_ = 0;
  uint32_t block_samples_ = 0;
  int16_t block_[kEchoBlock];
  uint32_t sequence_ = 0;
  uint32_t inferences_ = 0;
  uint32_t detections_ = 0;
  uint32_t overruns_ = 0;
};

}  // namespace earshot
