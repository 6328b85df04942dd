#include <metalaudio/dsp/convolution/convolution_level.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::dsp {

ConvolutionLevel::ConvolutionLevel(const ConvolutionLayout::Level& level, std::size_t block,
                                   std::size_t inputs, std::size_t outputs,
                                   std::span<const ConvolutionRoute> routes)
    : level_(level),
      blocks_(level.immediate ? 1 : level.partition / block),
      kernels_(convolution_kernels()),
      fft_(2 * level.partition),
      bins_(fft_.unordered_size() / 2),
      inputs_(inputs * level.partitions * fft_.unordered_size()),
      windows_(inputs, nullptr),
      outputs_(outputs) {
  for (const ConvolutionRoute& route : routes) {
    if (route.ir.size() <= level.first_tap) continue;
    const std::size_t taps = route.ir.size() - level.first_tap;
    const std::size_t needed = (taps + level.partition - 1) / level.partition;
    routes_.push_back(route);
    route_partitions_.push_back(std::min(needed, level.partitions));
  }
  transform_filters(routes_);
  for (std::size_t r = 0; r < routes_.size(); ++r) {
    Output& output = outputs_[routes_[r].output];
    for (std::size_t j = 0; j < route_partitions_[r]; ++j) {
      output.filters.push_back(filters_.data() +
                               (r * level.partitions + j) * fft_.unordered_size());
    }
    output.spectra.resize(output.filters.size());
  }
  for (Output& output : outputs_) {
    output.sum = Array<float>(fft_.unordered_size());
    for (auto& time : output.time) time = Array<float>(fft_.size());
  }
  for (ConvolutionRoute& route : routes_) route.ir = {};  // the caller's memory ends here
  count_units();
  done_units_ = units_;
}

void ConvolutionLevel::transform_filters(std::span<const ConvolutionRoute> routes) {
  filters_ = Array<float>(routes.size() * level_.partitions * fft_.unordered_size());
  Array<float> time(fft_.size());
  for (std::size_t r = 0; r < routes.size(); ++r) {
    for (std::size_t j = 0; j < route_partitions_[r]; ++j) {
      const auto taps = routes[r].ir.subspan(level_.first_tap + j * level_.partition);
      std::fill(time.begin(), time.end(), 0.0F);
      std::copy_n(taps.begin(), std::min(taps.size(), level_.partition), time.begin());
      fft_.forward_unordered(
          time, {filters_.data() + (r * level_.partitions + j) * 2 * bins_, fft_.unordered_size()});
    }
  }
}

void ConvolutionLevel::count_units() noexcept {
  std::size_t most = 1;
  for (const Output& output : outputs_) most = std::max(most, output.filters.size());
  // About a microsecond of products in a unit.
  constexpr std::size_t kProductsPerUnit = 2048;
  chunk_ = std::max<std::size_t>(32, kProductsPerUnit / most / 32 * 32);
  if (level_.immediate) chunk_ = bins_;
  chunks_ = (bins_ + chunk_ - 1) / chunk_;
  forward_units_ = windows_.size() * fft_.steps();
  product_units_ = outputs_.size() * chunks_;
  units_ = forward_units_ + product_units_ + outputs_.size() * fft_.steps();
  const auto size = static_cast<double>(fft_.size());
  step_cost_ = 2.5 * size * std::log2(size) / static_cast<double>(fft_.steps());
  chunk_cost_ = 16.0 * static_cast<double>(chunk_ * most);
  const auto transforms = static_cast<double>(units_ - product_units_);
  total_cost_ = transforms * step_cost_ + static_cast<double>(product_units_) * chunk_cost_;
}

float* ConvolutionLevel::spectrum(std::size_t input, std::size_t slot) noexcept {
  return inputs_.data() + (input * level_.partitions + slot) * 2 * bins_;
}

void ConvolutionLevel::begin_period(std::span<const float* const> windows) noexcept {
  if (!level_.immediate) finish_period();
  std::copy(windows.begin(), windows.end(), windows_.begin());
  slot_ = slot_ + 1 == level_.partitions ? 0 : slot_ + 1;
  for (Output& output : outputs_) {
    auto at = output.spectra.begin();
    for (std::size_t r = 0; r < routes_.size(); ++r) {
      if (&outputs_[routes_[r].output] != &output) continue;
      for (std::size_t j = 0; j < route_partitions_[r]; ++j) {
        const std::size_t slot = slot_ >= j ? slot_ - j : slot_ + level_.partitions - j;
        *at++ = spectrum(routes_[r].input, slot);
      }
    }
  }
  done_units_ = 0;
  done_cost_ = 0.0;
  done_blocks_ = 0;
  if (level_.immediate) finish_period();
}

void ConvolutionLevel::finish_period() noexcept {
  while (done_units_ < units_) run_unit(done_units_++);
  ready_ = 1 - ready_;
}

void ConvolutionLevel::run_block() noexcept {
  if (level_.immediate) return;
  ++done_blocks_;
  const double target =
      total_cost_ * static_cast<double>(done_blocks_) / static_cast<double>(blocks_);
  // Half a unit early or late.
  while (done_units_ < units_) {
    const bool products =
        done_units_ >= forward_units_ && done_units_ < forward_units_ + product_units_;
    const double cost = products ? chunk_cost_ : step_cost_;
    if (done_cost_ + 0.5 * cost > target) return;
    done_cost_ += cost;
    run_unit(done_units_++);
  }
}

void ConvolutionLevel::run_unit(std::size_t unit) noexcept {
  const std::size_t steps = fft_.steps();
  if (unit < forward_units_) {
    const std::size_t input = unit / steps;
    fft_.forward_unordered_step(unit % steps, {windows_[input], fft_.size()},
                                {spectrum(input, slot_), 2 * bins_});
    return;
  }
  unit -= forward_units_;
  if (unit < product_units_) {
    Output& output = outputs_[unit / chunks_];
    const std::size_t begin = unit % chunks_ * chunk_;
    kernels_.multiply_sum(output.spectra.data(), output.filters.data(), output.filters.size(),
                          bins_, begin, std::min(begin + chunk_, bins_), output.sum.data());
    return;
  }
  unit -= product_units_;
  Output& output = outputs_[unit / steps];
  fft_.inverse_unordered_step(unit % steps, output.sum, output.time[1 - ready_]);
}

const float* ConvolutionLevel::ready(std::size_t output) const noexcept {
  return outputs_[output].time[ready_].data() + level_.partition;
}

void ConvolutionLevel::reset() noexcept {
  std::fill(inputs_.begin(), inputs_.end(), 0.0F);
  for (Output& output : outputs_) {
    for (auto& time : output.time) std::fill(time.begin(), time.end(), 0.0F);
  }
  slot_ = 0;
  ready_ = 0;
  done_units_ = units_;
}

}  // namespace metalaudio::dsp
