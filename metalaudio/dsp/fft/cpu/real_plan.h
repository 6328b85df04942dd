#pragma once

#include <metalaudio/dsp/fft/cpu/plan.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace metalaudio::dsp {

// Tables of the real transforms; ../README.md draws their rows, mirrors and bins.

/// In place of a step: the whole transform.
inline constexpr std::size_t kFftWhole = static_cast<std::size_t>(-1);

/// How the bins of a real transform lie in memory.
enum class FftOrder : std::uint8_t {
  unordered,    ///< as FftReal says, split
  split,        ///< 0 to size/2
  interleaved,  ///< 0 to size/2; the imaginary pointer is not used
};

/// One pass over columns whose spectra are mirrored: butterfly pairs, each number of the one
/// mirrored by one of the other, worked on together.
template <typename T>
struct FftMirrors {
  /// The first rows of a butterfly and of its mirror image.
  struct Pair {
    std::uint32_t row;
    std::uint32_t mirror;
  };
  /// Butterflies that mirror themselves first, row 0's before the other.
  std::vector<Pair> pairs;
  Array<T> factors;  ///< [pair][radix][re, im]
};

/// A real transform of 2 · height · lanes points. Sample 2·lanes·r + l is the real part of number r
/// in lane l and sample 2·lanes·r + lanes + l its imaginary part: nothing is shuffled on the way
/// in. Each lane gets a complex transform of `height` points; its last pass takes the spectra of
/// the two halves apart, which leaves rows 0 to height of a real transform of 2·height points; then
/// one transform across the lanes for each row k gives the bins k + 2·height·l, and those past the
/// middle are the mirror images of the rest.
/// The unordered layout keeps them: bin k + 2·height·l at l·stride + k.
template <typename T>
struct FftReal {
  std::size_t size = 0;
  std::size_t lanes = 0;
  std::size_t height = 0;
  FftColumns<T> forward;  ///< the middle row is row_of[height], behind the others
  FftColumns<T> inverse;
  FftMirrors<T> forward_last;   ///< of the last pass; factors -i/2 · exp(-πik/height)
  FftMirrors<T> inverse_first;  ///< of the first pass; factors i/size · exp(πik/height)
  FftGroups<T> groups;
  /// Instead of groups, where there are half as many rows as lanes, in vectors of 64 bytes: the
  /// twiddles [number][P, Q][re, im][lanes] of combine_halves().
  bool halved() const noexcept { return 2 * height == lanes; }
  Array<T> half_forward;
  Array<T> half_inverse;
  /// The groups leave out the middle row: real, with the bins height + 2·height·l, and done by its
  /// matrix, [lane][re 0…, im 0…] there and [re 0…, im 0…][lane] back.
  bool middle_alone = false;
  Array<T> middle_forward;
  Array<T> middle_inverse;
  std::size_t stride = 0;
  std::size_t slices = 0;  ///< of each pass, in steps; 0 where the transform is too short

  std::size_t steps() const noexcept {
    return slices == 0 ? 1 : slices * (forward.passes.size() + 1);
  }
  /// Complex numbers in an unordered spectrum, those of the middle row last.
  std::size_t unordered_size() const noexcept;
  std::size_t scratch_size() const noexcept { return 2 * lanes * (forward.stored_rows() + 1); }
};

/// The widest lanes, at most `widest`, with which `size` has this form; 0 if there are none.
template <typename T>
std::size_t fft_real_lanes(std::size_t size, std::size_t widest);

/// Errors:   Error{out_of_memory}.
template <typename T>
FftReal<T> make_fft_real(std::size_t size, std::size_t lanes);

}  // namespace metalaudio::dsp
