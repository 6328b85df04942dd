#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace metalaudio::dsp {

enum class WindowShape { rectangular, hann, hamming, blackman, blackman_harris, kaiser };

/// periodic: one period of size samples, for spectra and overlap-add. symmetric: its last sample
/// equals its first, for filter design.
enum class WindowSymmetry { periodic, symmetric };

struct WindowOptions {
  WindowShape shape = WindowShape::hann;
  WindowSymmetry symmetry = WindowSymmetry::periodic;
  double kaiser_beta = 8.6;  ///< for kaiser alone; >= 0
};

/// The samples of a window, computed in double; equal to scipy.signal.get_window and torch's.
/// Errors:   throws Error{invalid_argument} on size 0, a size past memory, or a beta that is
///           negative or not finite.
std::vector<float> make_window(std::size_t size, const WindowOptions& options = {});
std::vector<double> make_window_double(std::size_t size, const WindowOptions& options = {});

/// "hann", "blackman_harris", …
std::string_view to_string(WindowShape shape) noexcept;

}  // namespace metalaudio::dsp
