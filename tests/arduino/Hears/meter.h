#pragma once
#include <Arduino.h>

// The mean amplitude of what was heard last, from 0 to 1.
class Meter {
 public:
  void add(const int16_t* samples, int count);
  float level() const { return constrain(level_, 0.0f, 1.0f); }

 private:
  float level_ = 0;
};
