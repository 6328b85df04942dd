#pragma once

#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/dsp/convolution/convolution_layout.h>
#include <metalaudio/dsp/convolution/cpu/convolution_kernels.h>
#include <metalaudio/dsp/fft.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

/// The partitions of one length of all routes: overlap-save, with the work of one partition's time
/// cut into small units that run when their share of that time has passed.
/// Threads:  one.
/// Realtime: everything but the constructor.
class ConvolutionLevel {
 public:
  ConvolutionLevel(const ConvolutionLayout::Level& level, std::size_t block, std::size_t inputs,
                   std::size_t outputs, std::span<const ConvolutionRoute> routes);

  std::size_t partition() const noexcept { return level_.partition; }
  std::size_t window() const noexcept { return fft_.size(); }

  /// Ends the period whose input has just become complete and starts to work on it. windows[input]
  /// are the last window() samples of each input and must stay until the next call.
  METALAUDIO_REALTIME void begin_period(std::span<const float* const> windows) noexcept;
  /// Does the work of one more of the period's partition / block blocks.
  METALAUDIO_REALTIME void run_block() noexcept;
  /// This level's part of the current period's output: partition() samples.
  METALAUDIO_REALTIME const float* ready(std::size_t output) const noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

 private:
  struct Output {
    std::vector<const float*> spectra;  ///< of inputs, newest first, route after route
    std::vector<const float*> filters;  ///< of the same
    Array<float> sum;
    Array<float> time[2];
  };

  void transform_filters(std::span<const ConvolutionRoute> routes);
  void count_units() noexcept;
  void finish_period() noexcept;
  void run_unit(std::size_t unit) noexcept;
  float* spectrum(std::size_t input, std::size_t slot) noexcept;

  ConvolutionLayout::Level level_;
  std::size_t blocks_;  ///< in a period
  std::vector<ConvolutionRoute> routes_;
  std::vector<std::size_t> route_partitions_;
  const ConvolutionKernels& kernels_;
  Fft fft_;
  std::size_t bins_;  ///< half of an unordered spectrum
  Array<float> filters_;
  Array<float> inputs_;  ///< a ring of spectra for each input
  std::vector<const float*> windows_;
  std::vector<Output> outputs_;
  std::size_t slot_ = 0;   ///< the newest spectrum's
  std::size_t ready_ = 0;  ///< which of an output's two time buffers is played

  // Units of work, in order: steps of forward transforms, chunks of products, steps of inverses.
  std::size_t chunk_ = 0;
  std::size_t chunks_ = 0;
  std::size_t forward_units_ = 0;
  std::size_t product_units_ = 0;
  std::size_t units_ = 0;
  double step_cost_ = 0.0;
  double chunk_cost_ = 0.0;
  double total_cost_ = 0.0;
  std::size_t done_units_;
  double done_cost_ = 0.0;
  std::size_t done_blocks_ = 0;
};

}  // namespace metalaudio::dsp
