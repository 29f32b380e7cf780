#include "meter.h"

void Meter::add(const int16_t* samples, int count) {
  long sum = 0;
  for (int n = 0; n < count; ++n) sum += abs(samples[n]);
  level_ = max(count, 0) ? static_cast<float>(sum) / count / 32768.0f : 0.0f;
}
