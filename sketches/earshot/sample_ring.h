// Sound between the microphone's interrupt, which writes, and the loop, which reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

namespace earshot {

// One writer and one reader, which may interrupt one another at any place.
class SampleRing {
 public:
  // 512 ms at 16 kHz, as in the micro_speech example: an inference that takes longer loses sound.
  static constexpr uint32_t kCapacity = 8192;

  // Adds samples; what does not fit is lost, and counted. The writer's side.
  void write(const int16_t* samples, uint32_t count) {
    const uint32_t end = written_.load(std::memory_order_relaxed);
    const uint32_t room = kCapacity - (end - read_.load(std::memory_order_acquire));
    const uint32_t kept = count < room ? count : room;
    const uint32_t begin = end % kCapacity;
    const uint32_t to_the_end = kept < kCapacity - begin ? kept : kCapacity - begin;
    std::memcpy(samples_ + begin, samples, to_the_end * sizeof(int16_t));
    std::memcpy(samples_, samples + to_the_end, (kept - to_the_end) * sizeof(int16_t));
    written_.store(end + kept, std::memory_order_release);
    lost_.store(lost_.load(std::memory_order_relaxed) + count - kept, std::memory_order_relaxed);
  }

  // The oldest samples, as many as lie in one piece, at most `wanted`. The reader's side, as is all
  // below.
  const int16_t* peek(uint32_t wanted, uint32_t* count) const {
    const uint32_t begin = read_.load(std::memory_order_relaxed);
    const uint32_t there = written_.load(std::memory_order_acquire) - begin;
    const uint32_t to_the_end = kCapacity - begin % kCapacity;
    *count = there < to_the_end ? there : to_the_end;
    if (*count > wanted) *count = wanted;
    return samples_ + begin % kCapacity;
  }

  // Makes room of the first `count` samples that peek() gave.
  void drop(uint32_t count) {
    read_.store(read_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }

  // Empties the ring and forgets losses; only while nothing writes.
  void clear() {
    read_.store(written_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    lost_reported_ = lost_.load(std::memory_order_relaxed);
  }

  // Samples lost since the last call.
  uint32_t take_lost() {
    const uint32_t lost = lost_.load(std::memory_order_relaxed);
    const uint32_t news = lost - lost_reported_;
    lost_reported_ = lost;
    return news;
  }

 private:
  int16_t samples_[kCapacity];
  std::atomic<uint32_t> written_{0};  // samples ever written and read; they wrap
  std::atomic<uint32_t> read_{0};
  std::atomic<uint32_t> lost_{0};
  uint32_t lost_reported_ = 0;
};

}  // namespace earshot
