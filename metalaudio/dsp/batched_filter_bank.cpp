#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/batched/cpu/for_each.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/batched/views.h>
#include <metalaudio/dsp/batched_filter_bank.h>
#include <metalaudio/dsp/filter_bank.h>

#include <utility>
#include <vector>

namespace metalaudio::dsp {

namespace {

/// A FilterBank for every channel.
class CpuFilters final : public BatchedFilterEngine {
 public:
  CpuFilters(std::span<const FilterSections> bands, std::size_t channels, ThreadPool* pool)
      : pool_(pool), rows_(threads_of(pool), std::vector<float*>(bands.size())) {
    for (std::size_t c = 0; c < channels; ++c) banks_.emplace_back(bands);
  }

  void process(const float* in, float* out, std::size_t frames) override {
    const std::size_t bands = rows_[0].size();
    for_each(banks_.size(), pool_, [&](std::size_t c, std::size_t thread) {
      for (std::size_t b = 0; b < bands; ++b) rows_[thread][b] = out + (c * bands + b) * frames;
      banks_[c].process({in + c * frames, frames}, {rows_[thread].data(), bands, frames});
    });
  }
  void reset() override {
    for (FilterBank& bank : banks_) bank.reset();
  }
  Trouble take_status() override {
    Trouble first = Trouble::none;
    for (FilterBank& bank : banks_) {
      const Trouble trouble = bank.take_status();
      if (first == Trouble::none) first = trouble;
    }
    return first;
  }

 private:
  ThreadPool* pool_;
  std::vector<std::vector<float*>> rows_;  ///< a thread's outputs
  std::vector<FilterBank> banks_;
};

std::unique_ptr<BatchedFilterEngine> make_engine(std::span<const FilterSections> bands,
                                                 std::size_t channels,
                                                 const BatchedOptions& options) {
  if (bands.empty() || channels == 0) {
    fail(ErrorCode::invalid_argument, "[BatchedFilterBank] {} bands, {} channels: at least 1",
         bands.size(), channels);
  }
  for (const FilterSections& band : bands) check_stable("BatchedFilterBank", band);
  if (!is_cuda(options.device)) {
    return std::make_unique<CpuFilters>(bands, channels, options.pool);
  }
  using Make = void(std::span<const FilterSections>, std::size_t, std::shared_ptr<AudioDevice>,
                    std::unique_ptr<BatchedFilterEngine>*);
  std::unique_ptr<BatchedFilterEngine> engine;
  cuda_function_as<Make>("metalaudio_cuda_make_filters")(bands, channels, options.device, &engine);
  return engine;
}

}  // namespace

BatchedFilterBank::BatchedFilterBank(std::span<const FilterSections> bands, std::size_t channels,
                                     const BatchedOptions& options)
    : bands_(bands.size()),
      channels_(channels),
      device_(options.device),
      engine_(make_engine(bands, channels, options)) {}
BatchedFilterBank::~BatchedFilterBank() = default;
BatchedFilterBank::BatchedFilterBank(BatchedFilterBank&&) noexcept = default;
BatchedFilterBank& BatchedFilterBank::operator=(BatchedFilterBank&&) noexcept = default;

DeviceType BatchedFilterBank::device() const noexcept { return device_type_of(device_); }

void BatchedFilterBank::process(const ConstTensorView& in, const TensorView& out) {
  check_place("BatchedFilterBank", in, device_);
  check_place("BatchedFilterBank", out, device_);
  const std::int64_t frames = in.shape().rank() == 2 ? in.shape()[1] : 0;
  const auto channels = static_cast<std::int64_t>(channels_);
  check_shape("BatchedFilterBank", in, {channels, frames});
  check_shape("BatchedFilterBank", out, {channels, static_cast<std::int64_t>(bands_), frames});
  if (frames == 0) return;
  engine_->process(address_of(in), address_of(out), static_cast<std::size_t>(frames));
}

void BatchedFilterBank::reset() { engine_->reset(); }
Trouble BatchedFilterBank::take_status() { return engine_->take_status(); }

}  // namespace metalaudio::dsp
