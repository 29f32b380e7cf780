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
constexpr int kWindowBits = 12;

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

// One stage: transforms of 4 * kQuarter points out of four of kQuarter points each.
template <int kQuarter>
void transform_stage(Packed* points) {
  for (int k = 0; k < kQuarter; ++k) {
    constexpr int kTwiddleStep = kPoints / (4 * kQuarter);
    const Packed second = kTwiddles[k * kTwiddleStep];
    const Packed third = kTwiddles[2 * k * kTwiddleStep];
    const Packed fourth = kTwiddles[3 * k * kTwiddleStep];
    for (Packed* p = points + k; p < points + kPoints; p += 4 * kQuarter) {
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
void energies_of_real_transform(Packed* points) {
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
  uint32_t magnitudes = 0;  // a bit is set when it is set in any magnitude
  for (int i = 0; i < kWindowSamples / 2; ++i) {
    const Packed pair = load_pair(samples + 2 * i), weights = load_pair(kWindow + 2 * i);
    const int32_t even = (real_of(pair) * real_of(weights)) >> kWindowBits;
    const int32_t odd = (imaginary_of(pair) * imaginary_of(weights)) >> kWindowBits;
    windowed_[i] = pack(even, odd);
    magnitudes |= (even < 0 ? -even : even) | (odd < 0 ? -odd : odd);
  }
  // The original takes the magnitude in 16 bits, where -32768 has none.
  return 15 - bit_width(magnitudes & 0x7fff);
}

// Transforms of four points, which need no twiddle factors: 32767 / 32768 of a quarter is the
// quarter itself. Takes the windowed samples in the order that leaves the last stage's output in
// natural order.
void Spectrum::transform_first_stage(int shift) {
  const auto point = [this, shift](int i) { return divide<4>(shift_left(windowed_[i], shift)); };
  constexpr int kPadded =
      kWindowSamples / 2 - 3 * kPoints / 4;  // from here on, the fourth point is padding
  for (int i = 0; i < kPoints / 4; ++i) {
    const int n = kDigitReversal[i];
    const Packed fourth = n < kPadded ? point(n + 3 * kPoints / 4) : 0;
    const Four out = radix4(point(n), point(n + kPoints / 4), point(n + 2 * kPoints / 4), fourth);
    std::memcpy(&spectrum_[4 * i], &out, sizeof(out));
  }
}

}  // namespace earshot
