// From the scores of single inferences to words: averages, compares with a threshold, and
// suppresses echoes.
//
// The algorithm is that of RecognizeCommands in tflite-micro's micro_speech example, with its
// parameters.
#pragma once

#include <cstdint>

namespace earshot {

constexpr uint32_t kAverageMs = 1000;
constexpr uint32_t kShortestAverageMs = kAverageMs / 4;  // results that span less are not averaged
constexpr int kFewestResults = 3;
constexpr uint32_t kDetectionThreshold = 200;  // of 255; an average has to exceed it
constexpr uint32_t kSuppressionMs = 1500;      // the same word is not reported again within it

// An inference needs a new slice of features, and there is one every 20 ms: 51 results in 1000 ms,
// both ends included, and one more because slices come in whole microphone buffers of 16 ms, and so
// up to that much late.
constexpr int kMostResults = 1000 / 20 + 2;

struct Detection {
  int label;
  uint32_t score;  // the average, 201 to 255
};

// kSilence is the label of silence, -1 without one: it ends the suppression of the word before it,
// and is never reported.
template <int kLabels, int kSilence>
class Recognizer {
 public:
  void reset() { *this = Recognizer(); }

  // Takes the result of an inference. Returns whether it makes a word newly recognized, which
  // `detection` then holds.
  //
  // Args:
  //   time_ms: not before the last one's.
  //   scores: 0 to 255 for each label.
  bool add(uint32_t time_ms, const uint8_t scores[kLabels], Detection* detection) {
    if (count_ == kMostResults) drop_oldest();
    append(time_ms, scores);
    while (time_ms - results_[oldest_].time_ms > kAverageMs) drop_oldest();
    if (count_ < kFewestResults || time_ms - results_[oldest_].time_ms < kShortestAverageMs)
      return false;

    int label = 0;
    uint32_t sum = 0;
    for (int i = 0; i < kLabels; ++i) {
      // Averages are compared as the integers that they are reported as: of equal ones the first
      // label wins.
      if (sums_[i] / count_ > sum / count_) {
        label = i;
        sum = sums_[i];
      }
    }
    const uint32_t score = sum / count_;
    if (score <= kDetectionThreshold) return false;
    const bool suppressed =
        label == reported_label_ && label != kSilence && time_ms - reported_ms_ <= kSuppressionMs;
    if (suppressed) return false;
    reported_label_ = label;
    reported_ms_ = time_ms;
    *detection = {label, score};
    return label != kSilence;
  }

 private:
  struct Result {
    uint32_t time_ms;
    uint8_t scores[kLabels];
  };

  void append(uint32_t time_ms, const uint8_t* scores) {
    Result& result = results_[(oldest_ + count_++) % kMostResults];
    result.time_ms = time_ms;
    for (int i = 0; i < kLabels; ++i) sums_[i] += result.scores[i] = scores[i];
  }

  void drop_oldest() {
    for (int i = 0; i < kLabels; ++i) sums_[i] -= results_[oldest_].scores[i];
    oldest_ = (oldest_ + 1) % kMostResults;
    --count_;
  }

  Result results_[kMostResults];  // a queue
  uint32_t oldest_ = 0;
  uint32_t count_ = 0;
  uint32_t sums_[kLabels] = {};  // of the queue's scores
  int reported_label_ = kSilence;
  uint32_t reported_ms_ = 0;
};

}  // namespace earshot
