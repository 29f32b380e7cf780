// Each stage alone, in cycles. A file of its own: what it calls is inlined elsewhere as if it were
// not there, so that it changes no time.
#include "commands.h"
#include "engine.h"
#include "listener.h"
#include "reply.h"
#include "scores.h"
#include "stage_pins.h"
#include "variant.h"

namespace earshot {

bool Listener::count_cycles(StageCycles* cycles) {
  if (kHears) {
    front_end_.reset();
    input_.clear();
    ring_.clear();
    uint32_t noise = 1;
    for (uint32_t count = 0; count < SampleRing::kCapacity; count += kEchoBlock) {
      for (int16_t& sample : block_) {
        noise = noise * 1664525 + 1013904223;  // Numerical Recipes' generator
        sample = static_cast<int16_t>(noise >> 16);
      }
      ring_.write(block_, kEchoBlock);
    }
  }
  uint32_t begin, preprocessed, inferred, postprocess, end;
  board_.read_cycles(&begin);
  if (kHears) take_sound();
  show_stage(Stage::kIdle);
  input_.load();
  board_.read_cycles(&preprocessed);
  if (!engine_invoke()) return false;
  board_.read_cycles(&inferred);
  recognizer_.reset();
  for (uint32_t time_ms = 0; time_ms <= RecognizerParameters::kWindowMs; time_ms += kStrideMs) {
    // The last one of a full average counts.
    uint8_t scores[kLabelCount];
    Detection detection;
    board_.read_cycles(&postprocess);
    read_scores(engine_output(), scores);
    recognizer_.add(time_ms, scores, &detection);
    board_.read_cycles(&end);
  }
  *cycles = {preprocessed - begin, inferred - preprocessed, end - postprocess};
  return true;
}

void Commands::cycles() {
  if (!engine_runs()) return;
  Listener::StageCycles cycles;
  if (!board_.read_cycles(&cycles.inference)) return error("This board's clock counts no cycles");
  if (!listener_.count_cycles(&cycles)) return error("Inference failed");
  if (kHears) {
    Reply(board_).text("m-cycles-preprocess-").number(cycles.preprocess).end_line();
    Reply(board_).text("m-cycles-postprocess-").number(cycles.postprocess).end_line();
  }
  Reply(board_).text("m-cycles-inference-").number(cycles.inference).end_line();
}

}  // namespace earshot
