// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2")

#include "spectrum.h"

#include <cstring>

#include "bits.h"
#include "tables.h"

namespace earshot {

namespace {

constexpr int kPoints =
    kFftSamples / 2;  // of the complex FFT: even samples real, odd ones imaginary

// Two values in one load; both boards and their hosts are little-endian.
inline Packed load_pair(const int16_t* values) {
  Packed pair;
  std::memcpy(&pair, values, sizeof(pair));
  return pair;
}

struct Four {
  Packed a, b, c, d;
};

// DFT of four points.
inline Four radix4(Packed a, Packed b, Packed c, Packed d) {
  const Packed even_sum = add(a, c), even_difference = subtract(a, c);
  const Packed odd_sum = add(b, d), odd_difference = subtract(b, d);
  return {add(even_sum, odd_sum), add_turned_back(even_difference, odd_difference),
          subtract(even_sum, odd_sum), add_turned(even_difference, odd_difference)};
}

// One stage: transforms of 4 * kQuarter points out of four of kQuarter points each. Inlined, it
// would share the processor's registers with the other stages, and keep some of its values in
// memory.
template <int kQuarter>
__attribute__((noinline)) void transform_stage(Packed* points) {
  for (int k = 0; k < kQuarter; ++k) {
    constexpr int kTwiddleStep = kPoints / (4 * kQuarter);
    const Packed second = kTwiddles[k * kTwiddleStep];
    const Packed third = kTwiddles[2 * k * kTwiddleStep];
    const Packed fourth = kTwiddles[3 * k * kTwiddleStep];
    Packed* p = points + k;
    // Hides where the pointer comes from. GCC 12 derives it from that of the twiddles otherwise,
    // takes what it points to for constant, and drops the stage with the stores.
    asm("" : "+r"(p));
    for (int i = 0; i < kPoints / (4 * kQuarter); ++i, p += 4 * kQuarter) {
      const Four out = radix4(divide<4>(p[0]), multiply(divide<4>(p[kQuarter]), second),
                              multiply(divide<4>(p[2 * kQuarter]), third),
                              multiply(divide<4>(p[3 * kQuarter]), fourth));
      p[0] = out.a;
      p[kQuarter] = out.b;
      p[2 * kQuarter] = out.c;
      p[3 * kQuarter] = out.d;
    }
  }
}

// Untangles the two real transforms that the complex one holds, and replaces each point by its
// energy.
__attribute__((noinline)) void energies_of_real_transform(Packed* points) {
  for (int k = kFirstBin; k <= kPoints / 2; ++k) {
    const Packed mirrored = points[kPoints - k];
    const Packed conjugate = real_and_imaginary(mirrored, subtract(0, mirrored));
    const Packed here = divide<2>(points[k]), there = divide<2>(conjugate);
    const Packed even = add(here, there);
    const Packed odd = multiply(subtract(here, there), kRealTwiddles[k - 1]);
    points[k] = energy(half_sum(even, odd));
    points[kPoints - k] =
        energy(real_and_imaginary(half_difference(even, odd), half_difference(odd, even)));
  }
}

}  // namespace

int Spectrum::compute(const int16_t samples[kWindowSamples]) {
  const int shift = apply_window(samples);
  transform_first_stage(shift);
  transform_stage<4>(spectrum_);
  transform_stage<16>(spectrum_);
  transform_stage<64>(spectrum_);
  energies_of_real_transform(spectrum_);
  return shift;
}

int Spectrum::apply_window(const int16_t* samples) {
  constexpr int kPairs = kWindowSamples / 2;
  Packed magnitudes = 0;  // a bit is set when it is set in any magnitude
  for (int i = 0; i < kPairs / 2; ++i) {
    const Packed weights = load_pair(kWindow + 2 * i);  // the window is symmetric
    const Packed begin = weighted(load_pair(samples + 2 * i), weights);
    const Packed end = weighted_mirrored(load_pair(samples + 2 * (kPairs - 1 - i)), weights);
    windowed_[i] = begin;
    windowed_[kPairs - 1 - i] = end;
    magnitudes |= magnitudes_of(begin) | magnitudes_of(end);
  }
  magnitudes |= magnitudes >> 16;
  // The original takes the magnitude in 16 bits, where -32768 has none.
  const int shift = 15 - bit_width(magnitudes & 0x7fff);
  if (shift > 0 && (magnitudes & 0x8000) != 0) {
    // Nothing of a -32768 is left in 16 bits when it is shifted.
    for (Packed& pair : windowed_) {
      if (real_of(pair) == INT16_MIN) pair = pack(0, imaginary_of(pair));
      if (imaginary_of(pair) == INT16_MIN) pair = pack(real_of(pair), 0);
    }
  }
  return shift;
}

// Transforms of four points, which need no twiddle factors: 32767 / 32768 of a quarter is the
// quarter itself. Takes the windowed samples in the order that leaves the last stage's output in
// natural order.
void Spectrum::transform_first_stage(int shift) {
  const auto point = [this, shift](int i) { return divide_shifted(windowed_[i], shift); };
  constexpr int kPadded =
      kWindowSamples / 2 - 3 * kPoints / 4;  // from here on, the fourth point is padding
  for (int i = 0; i < kPoints / 4; ++i) {
    const int n = kDigitReversal[i];
    const Packed fourth = n < kPadded ? point(n + 3 * kPoints / 4) : 0;
    const Four out = radix4(point(n), point(n + kPoints / 4), point(n + 2 * kPoints / 4), fourth);
    Packed* to = spectrum_ + 4 * i;
    to[0] = out.a, to[1] = out.b, to[2] = out.c, to[3] = out.d;
  }
}

}  // namespace earshot
