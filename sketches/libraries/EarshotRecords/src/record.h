// One checked line of the streaming mode: $<type>,<sequence>,<field>,...*<CRC-16 of what stands
// between $ and *>
#pragma once

#include <cstdint>

#include "decimal.h"

namespace earshot {

// Builds a record in a buffer that it is given. Fields are unsigned numbers or text without commas,
// asterisks and control characters. A record that would not fit becomes empty: a gap in the
// sequence tells the host.
class RecordBuilder {
 public:
  static constexpr int kTypeChars = 4;
  static constexpr int kHeadChars = 1 + kTypeChars + 1 + kUnsignedChars;
  static constexpr int kTailChars = 1 + 4 + 2;

  RecordBuilder(char* line, int capacity, const char* type, uint32_t sequence);
  RecordBuilder& add(uint32_t number);
  RecordBuilder& add(const char* text);
  // A field of hex digits: each sample's low byte first.
  RecordBuilder& add(const int16_t* samples, int count);

  // Adds checksum and line end; the record is complete.
  void finish();

  const char* line() const { return line_; }
  int length() const { return length_; }

 private:
  void put(const char* text, int count);

  char* line_;
  int capacity_;
  int length_ = 0;
  bool fits_ = true;
};

constexpr int kMaxTextBytes = 63;  // of a text field; what the harness stages keeps to it

// A record with room for `kNumbers` numbers, `kTexts` texts and one field of `kSamples` samples,
// its sequence number apart.
template <int kNumbers, int kTexts = 0, int kSamples = 0>
class Record : public RecordBuilder {
 public:
  Record(const char* type, uint32_t sequence)
      : RecordBuilder(storage_, sizeof(storage_), type, sequence) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

 private:
  char storage_[kHeadChars + kNumbers * (1 + kUnsignedChars) + kTexts * (1 + kMaxTextBytes) +
                (kSamples > 0 ? 1 + 4 * kSamples : 0) + kTailChars];
};

}  // namespace earshot
