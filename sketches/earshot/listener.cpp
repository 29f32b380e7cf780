#include "listener.h"

#include <cstring>

#include "engine.h"
#include "reply.h"
#include "scores.h"
#include "stage_pins.h"

namespace earshot {

bool Listener::start(uint32_t echoed) {
  front_end_.reset();
  input_.clear();
  recognizer_.reset();
  ring_.clear();
  samples_heard_ = sequence_ = inferences_ = detections_ = overruns_ = 0;
  to_echo_ = echoed;
  echoed_ = block_samples_ = 0;
  listening_ = board_.start_microphone();
  started_ms_ = board_.millis();
  return listening_;
}

bool Listener::step() {
  if (!listening_) return false;
  report_losses();
  if (to_echo_ > 0) return echo();

  // Nothing is sent until the last stage has been timed.
  const uint32_t begin_us = board_.micros();
  const int new_slices = take_sound();
  if (new_slices == 0) {
    show_stage(Stage::kIdle);
    return false;
  }
  input_.load();
  const uint32_t preprocessed_us = board_.micros();
  show_stage(Stage::kInference);
  const bool inferred = engine_invoke();
  const uint32_t inferred_us = board_.micros();
  show_stage(Stage::kPostprocess);
  const uint32_t inferred_ms = now_ms();
  if (!inferred) {
    show_stage(Stage::kIdle);
    Reply(board_).text("e-[Inference failed]").end_line();
    return true;
  }
  const uint32_t postprocess_us = board_.micros();
  uint8_t scores[kLabelCount];
  read_scores(engine_output(), scores);
  Detection detection;
  const bool detected = recognizer_.add(inferred_ms, scores, &detection);
  const uint32_t end_us = board_.micros();
  show_stage(Stage::kIdle);

  Record<5 + kLabelCount> inference("inf", sequence_);
  inference.add(inferred_ms)
      .add(static_cast<uint32_t>(new_slices))
      .add(preprocessed_us - begin_us)
      .add(inferred_us - preprocessed_us)
      .add(end_us - postprocess_us);
  for (const uint8_t score : scores) inference.add(static_cast<uint32_t>(score));
  ++inferences_;
  send(inference);
  if (detected) {
    Record<2, 1> word("det", sequence_);
    word.add(inferred_ms).add(kLabels[detection.label]).add(detection.score);
    ++detections_;
    send(word);
  }
  return true;
}

void Listener::stop() {
  board_.stop_microphone();
  while (step()) {
  }
  report_losses();
  send_echo();
  Record<4> end("end", sequence_);
  end.add(inferences_).add(detections_).add(overruns_).add(samples_heard_);
  send(end);
  listening_ = false;
}

// Sends back a block when it is complete. Returns whether it was.
bool Listener::echo() {
  uint32_t count;
  do {
    const uint32_t room = kEchoBlock - block_samples_;
    const int16_t* samples = ring_.peek(room < to_echo_ ? room : to_echo_, &count);
    std::memcpy(block_ + block_samples_, samples, count * sizeof(samples[0]));
    ring_.drop(count);
    block_samples_ += count;
    to_echo_ -= count;
  } while (count > 0);
  if (block_samples_ < kEchoBlock && to_echo_ > 0) return false;
  send_echo();
  return true;
}

// Sends what there is of a block.
void Listener::send_echo() {
  if (block_samples_ == 0) return;
  Record<2, 0, kEchoBlock> sound("pcm", sequence_);
  sound.add(now_ms()).add(echoed_).add(block_, static_cast<int>(block_samples_));
  echoed_ += block_samples_;
  block_samples_ = 0;
  send(sound);
}

// Feeds the front end with all sound that is there. Returns how many slices that completed.
int Listener::take_sound() {
  int slices = 0;
  for (;;) {
    uint32_t count;
    const int16_t* samples = ring_.peek(front_end_.samples_wanted(), &count);
    if (count == 0) return slices;
    show_stage(Stage::kPreprocess);
    uint16_t slice[kSliceValues];
    if (front_end_.process(samples, static_cast<int>(count), slice)) {
      input_.add(slice);
      ++slices;
    }
    ring_.drop(count);
    samples_heard_ += count;
  }
}

void Listener::report_losses() {
  const uint32_t lost = ring_.take_lost();
  if (lost == 0) return;
  Record<2> overrun("ovr", sequence_);
  overrun.add(now_ms()).add(lost);
  ++overruns_;
  send(overrun);
}

void Listener::send(RecordBuilder& record) {
  record.finish();
  board_.write(record.line(), record.length());
  ++sequence_;
}

}  // namespace earshot
