#include <metalaudio/core/buffer.h>
#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/biquad/lane_section.h>
#include <metalaudio/dsp/cuda/filter_kernels.h>
#include <metalaudio/dsp/filter_bands.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

namespace metalaudio::dsp::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

namespace {

/// Of two rows.
using Matrix = std::array<long double, 4>;

Matrix squared(const Matrix& m) {
  return {m[0] * m[0] + m[1] * m[2], m[0] * m[1] + m[1] * m[3], m[2] * m[0] + m[3] * m[2],
          m[2] * m[1] + m[3] * m[3]};
}

FilterSection section_of(const BiquadCoefficients& coefficients) {
  const BiquadLaneSection lane = biquad_lane_section(coefficients);
  FilterSection section{lane.beta0, lane.gamma1, lane.gamma2, lane.alpha1, lane.alpha2, {}};
  Matrix power{1.0L - lane.alpha1, 1.0L, -static_cast<long double>(lane.alpha2), 1.0L};
  for (int steps = 1; steps < kRun; steps *= 2) power = squared(power);
  for (double* to = section.powers[0]; to != section.powers[kPowers]; to += 4) {
    std::copy(power.begin(), power.end(), to);
    power = squared(power);
  }
  return section;
}

class Filters final : public BatchedFilterEngine {
 public:
  Filters(std::span<const FilterSections> bands, std::size_t channels,
          std::shared_ptr<AudioDevice> device)
      : device_(std::move(device)), trouble_(sizeof(unsigned), device_) {
    std::size_t most = 0;
    for (const FilterSections& band : bands) most = std::max(most, band.size());
    std::vector<FilterSection> sections(bands.size() * most);
    std::vector<int> counts;
    for (std::size_t b = 0; b < bands.size(); ++b) {
      counts.push_back(static_cast<int>(bands[b].size()));
      for (std::size_t k = 0; k < bands[b].size(); ++k) {
        sections[b * most + k] = section_of(bands[b][k]);
      }
    }
    sections_ = uploaded<FilterSection>(sections);
    counts_ = uploaded<int>(counts);
    states_ = Buffer(channels * bands.size() * most * sizeof(double2), device_);
    work_.channels = static_cast<std::int64_t>(channels);
    work_.bands = static_cast<std::int64_t>(bands.size());
    work_.most_sections = static_cast<std::int64_t>(most);
    work_.sections = static_cast<const FilterSection*>(sections_.handle());
    work_.counts = static_cast<const int*>(counts_.handle());
    work_.states = static_cast<double2*>(states_.handle());
    work_.trouble = static_cast<unsigned*>(trouble_.handle());
  }

  void process(const float* in, float* out, std::size_t frames) override {
    const CurrentDevice current(device_->properties().index);
    work_.frames = static_cast<std::int64_t>(frames);
    run_filters(work_, in, out, static_cast<cudaStream_t>(device_->stream()));
    check(cudaGetLastError(), "filters");
  }
  void reset() override {
    if (states_.bytes() > 0) device_->clear(states_.handle(), 0, states_.bytes());
  }
  Trouble take_status() override {
    unsigned trouble = 0;
    device_->download(&trouble, trouble_.handle(), 0, sizeof trouble);
    device_->clear(trouble_.handle(), 0, sizeof trouble);
    if ((trouble & kInputReplaced) != 0) return Trouble::input_replaced;
    return trouble != 0 ? Trouble::state_cleared : Trouble::none;
  }

 private:
  template <typename T>
  Buffer uploaded(const std::vector<T>& values) const {
    Buffer buffer(values.size() * sizeof(T), device_);
    if (!values.empty()) device_->upload(buffer.handle(), 0, values.data(), buffer.bytes());
    return buffer;
  }

  std::shared_ptr<AudioDevice> device_;
  Buffer trouble_;
  Buffer sections_;
  Buffer counts_;
  Buffer states_;
  FilterWork work_;
};

}  // namespace

}  // namespace metalaudio::dsp::cuda

METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_filters(
    std::span<const metalaudio::dsp::FilterSections> bands, std::size_t channels,
    std::shared_ptr<metalaudio::AudioDevice> device,
    std::unique_ptr<metalaudio::dsp::BatchedFilterEngine>* engine) {
  *engine = std::make_unique<metalaudio::dsp::cuda::Filters>(bands, channels, std::move(device));
}
