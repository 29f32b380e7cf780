// From the scores of single inferences to words: averages, compares with a threshold, and
// suppresses echoes.
//
// With the mean of a window, the algorithm is that of RecognizeCommands in tflite-micro's
// micro_speech example.
#pragma once

#include <cstdint>
#include <type_traits>

namespace earshot {

struct Detection {
  int label;
  uint32_t score;  // the average, up to 255
};

// The mean of the scores of the last kWindowMs.
template <typename Parameters>
class Mean {
 public:
  void add(uint32_t time_ms, const uint8_t* scores) {
    if (count_ == kMostResults) drop_oldest();
    append(time_ms, scores);
    while (time_ms - results_[oldest_].time_ms > Parameters::kWindowMs) drop_oldest();
  }

  bool is_ready(uint32_t time_ms) const {
    return count_ >= Parameters::kFewestResults &&
           time_ms - results_[oldest_].time_ms >= kShortestSpanMs;
  }

  uint32_t of(int label) const { return sums_[label] / count_; }

 private:
  // An inference needs a new slice of features, and there is one every 20 ms: 51 results in 1000
  // ms, both ends included, and one more because slices come in whole microphone buffers of 16 ms,
  // and so up to that much late.
  static constexpr uint32_t kMostResults = Parameters::kWindowMs / 20 + 2;
  static constexpr uint32_t kShortestSpanMs = Parameters::kWindowMs / 4;

  struct Result {
    uint32_t time_ms;
    uint8_t scores[Parameters::kLabels];
  };

  void append(uint32_t time_ms, const uint8_t* scores) {
    Result& result = results_[(oldest_ + count_++) % kMostResults];
    result.time_ms = time_ms;
    for (int i = 0; i < Parameters::kLabels; ++i) sums_[i] += result.scores[i] = scores[i];
  }

  void drop_oldest() {
    for (int i = 0; i < Parameters::kLabels; ++i) sums_[i] -= results_[oldest_].scores[i];
    oldest_ = (oldest_ + 1) % kMostResults;
    --count_;
  }

  Result results_[kMostResults];  // a queue
  uint32_t oldest_ = 0;
  uint32_t count_ = 0;
  uint32_t sums_[Parameters::kLabels] = {};  // of the queue's scores
};

// An average that moves to each score by step / (kWindowMs + step), where the step is the time
// since the last result: an exponential average with the time constant kWindowMs, at any period of
// inferences. It starts at 0, and the first result counts for a slice of features: the clock ran
// before it.
template <typename Parameters>
class Exponential {
 public:
  void add(uint32_t time_ms, const uint8_t* scores) {
    uint32_t step_ms = count_ == 0 ? kSliceMs : time_ms - last_ms_;
    if (step_ms > kLongestStepMs) step_ms = kLongestStepMs;
    last_ms_ = time_ms;
    if (count_ < Parameters::kFewestResults) ++count_;
    for (int i = 0; i < Parameters::kLabels; ++i) {
      const uint32_t score = static_cast<uint32_t>(scores[i]) << kFractionBits;
      averages_[i] = (averages_[i] * Parameters::kWindowMs + score * step_ms) /
                     (Parameters::kWindowMs + step_ms);
    }
  }

  bool is_ready(uint32_t) const { return count_ >= Parameters::kFewestResults; }

  uint32_t of(int label) const {
    return (averages_[label] + (1u << (kFractionBits - 1))) >> kFractionBits;
  }

 private:
  // 255 << 10 times 2000 ms plus 4095 ms is below 2^32.
  static constexpr int kFractionBits = 10;
  static constexpr uint32_t kSliceMs = 20;
  static constexpr uint32_t kLongestStepMs = 4095;

  uint32_t averages_[Parameters::kLabels] = {};
  uint32_t last_ms_ = 0;
  uint32_t count_ = 0;
};

// `Parameters` has:
//   kLabels, and kSilence: the label of silence, -1 without one. It ends the suppression of the
//     word before it, and is never reported.
//   kExponential: whether averages are exponential, not means.
//   kWindowMs: 20 to 2000; kFewestResults: 1 or more.
//   threshold(label): of 255; an average has to exceed it.
//   kSuppressionMs: the same word is not reported again within it.
template <typename Parameters>
class Recognizer {
 public:
  void reset() { *this = Recognizer(); }

  // Takes the result of an inference. Returns whether it makes a word newly recognized, which
  // `detection` then holds.
  //
  // Args:
  //   time_ms: not before the last one's.
  //   scores: 0 to 255 for each label.
  bool add(uint32_t time_ms, const uint8_t scores[Parameters::kLabels], Detection* detection) {
    average_.add(time_ms, scores);
    if (!average_.is_ready(time_ms)) return false;

    int label = 0;
    uint32_t score = 0;
    for (int i = 0; i < Parameters::kLabels; ++i) {
      // Averages are compared as the integers that they are reported as: of equal ones the first
      // label wins.
      const uint32_t average = average_.of(i);
      if (average > score) {
        label = i;
        score = average;
      }
    }
    if (score <= Parameters::threshold(label)) return false;
    const bool suppressed = label == reported_label_ && label != Parameters::kSilence &&
                            time_ms - reported_ms_ <= Parameters::kSuppressionMs;
    if (suppressed) return false;
    reported_label_ = label;
    reported_ms_ = time_ms;
    *detection = {label, score};
    return label != Parameters::kSilence;
  }

 private:
  std::conditional_t<Parameters::kExponential, Exponential<Parameters>, Mean<Parameters>> average_;
  int reported_label_ = Parameters::kSilence;
  uint32_t reported_ms_ = 0;
};

}  // namespace earshot
