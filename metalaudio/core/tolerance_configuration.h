#pragma once

#include <cstddef>
#include <filesystem>

namespace metalaudio {

/// Where work moves from one kernel or device to another. A value; give it to a constructor. The
/// defaults are the original's figures; `metalaudio calibrate` measures them on a machine and saves
/// them, and only load() reads what it saved.
/// Errors:   load() and save() throw Error{io, invalid_data}.
struct ToleranceConfiguration {
  /// Transforms of more points than this go to a GPU, where DeviceType::automatic may choose and there is one.
  std::size_t gpu_cpu_threshold = 2048;
  /// Products of fewer rows than this are computed row by row, of more in tiles of rows.
  std::size_t linear_batch_threshold = 4;
  /// Narrow convolutions with more taps than this work on tiles of positions.
  std::size_t conv_tile_taps = 16;
  /// Convolutions of at least so many output channels work on vectors of them; others are narrow,
  /// where that pays.
  std::size_t conv_wide_channels = 8;

  /// What was saved; the defaults where there is no file, or where it lacks a number.
  static ToleranceConfiguration load(const std::filesystem::path& path = default_path());
  void save(const std::filesystem::path& path = default_path()) const;
  /// metalaudio/tolerances.json in $XDG_CONFIG_HOME, or in ~/.config.
  static std::filesystem::path default_path();

  friend bool operator==(const ToleranceConfiguration& a,
                         const ToleranceConfiguration& b) noexcept = default;
};

}  // namespace metalaudio
