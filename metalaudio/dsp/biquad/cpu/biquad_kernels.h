#pragma once

#include <metalaudio/dsp/finite.h>

#include <cstddef>

namespace metalaudio::dsp {

/// Up to eight sections of one channel in series, a section to a lane, in double. Sections that are
/// not there pass their input on. With s the output's part that older samples make,
///   y = b0·x + s,   s' = g1·x + g2·x₋₁ - a1·s - a2·s₋₁,   g = b - b0·a,
/// which, unlike the usual forms, needs but one multiplication from s to s', and whose states are
/// signals, so that they stay right when the coefficients change.
struct alignas(64) BiquadChain {
  static constexpr std::size_t kSections = 8;
  double b0[kSections];
  double g1[kSections];
  double g2[kSections];
  double a1[kSections];
  double a2[kSections];
  double s[kSections];         ///< for the next sample
  double s_before[kSections];  ///< for the last one
  double x_before[kSections];  ///< the last input
};

/// Rows of one section of many channels, a channel to a lane, in double:
///   y = beta0·x + s1,  s1' = s1 + (s2 + gamma1·x - alpha1·s1),  s2' = s2 + gamma2·x - alpha2·s1.
/// The poles are taken relative to z = 1: that keeps low frequencies exact, where the usual forms
/// lose digits.
enum BiquadLaneRow : std::size_t {
  kBeta0,
  kGamma1,
  kGamma2,
  kAlpha1,
  kAlpha2,
  kState1,
  kState2,
  kBiquadLaneRows,
};

/// The biquads' kernels for one instruction set.
struct BiquadKernels {
  std::size_t lanes;  ///< doubles in the widest vector

  /// x[n] through a chain whose first `sections` sections are there, in place.
  void (*chain)(BiquadChain& chain, std::size_t sections, double* x, std::size_t n);
  /// float -> double; returns whether all were in range. Those that were not become 0.
  bool (*widen)(const float* x, std::size_t n, double* out);
  void (*narrow)(const double* x, std::size_t n, float* out);

  /// x[frames][lanes] through sections[count][kBiquadLaneRows][lanes], in place.
  void (*run_lanes)(double* sections, std::size_t count, double* x, std::size_t frames);

  /// Between a tile x[frames][lanes] and `count` <= lanes channels, planar from frame `first` on or
  /// interleaved with frames of `stride`; lanes without a channel hold
  /// anything in range. Reading returns
  /// whether all were in range; those that were not become 0.
  bool (*gather)(const float* const* channels, std::size_t count, std::size_t first,
                 std::size_t frames, double* x);
  void (*scatter)(const double* x, std::size_t frames, float* const* channels, std::size_t count,
                  std::size_t first);
  bool (*load_rows)(const float* in, std::size_t stride, std::size_t count, std::size_t frames,
                    double* x);
  void (*store_rows)(const double* x, std::size_t frames, float* out, std::size_t stride,
                     std::size_t count);
};

/// The table for the best instruction set of this machine.
const BiquadKernels& biquad_kernels();

}  // namespace metalaudio::dsp
