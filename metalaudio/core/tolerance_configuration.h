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

  // What work takes, from which nn::Placement::automatic chooses between the CPU and a GPU: rates in
  // millions a second, times in nanoseconds.
  std::size_t cpu_mflop_rate = 40'000;  ///< float32, of one thread
  std::size_t cpu_mbyte_rate = 10'000;  ///< of one thread
  std::size_t gpu_mflop_rate = 10'000'000;
  std::size_t gpu_mbyte_rate = 500'000;
  std::size_t gpu_step_ns = 3'000;   ///< one step, however small
  std::size_t gpu_round_ns = 5'000;  ///< one token of a recurrent layer
  std::size_t gpu_copy_ns = 12'000;  ///< one copy to or from the host's memory, however small
  std::size_t gpu_copy_mbyte_rate = 5'000;

  /// What was saved; the defaults where there is no file, or where it lacks a number.
  static ToleranceConfiguration load(const std::filesystem::path& path = default_path());
  void save(const std::filesystem::path& path = default_path()) const;
  /// metalaudio/tolerances.json in $XDG_CONFIG_HOME, or in ~/.config.
  static std::filesystem::path default_path();

  friend bool operator==(const ToleranceConfiguration& a,
                         const ToleranceConfiguration& b) noexcept = default;
};

}  // namespace metalaudio
