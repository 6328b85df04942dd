#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/batched/views.h>
#include <metalaudio/dsp/batched_stft.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace metalaudio::dsp {

namespace {

/// Stft's own functions, a channel after the other; the pool shares a channel's frames.
class CpuStft final : public BatchedStftEngine {
 public:
  CpuStft(std::shared_ptr<const Stft> stft, ThreadPool* pool)
      : stft_(std::move(stft)), pool_(pool) {}

  void forward(const float* x, float* spectra, const FrameCounts& counts) override {
    const std::size_t values = counts.frames * stft_->bins();
    auto* const out = reinterpret_cast<Stft::Complex*>(spectra);
    for (std::size_t c = 0; c < counts.channels; ++c) {
      stft_->forward({x + c * counts.samples, counts.samples}, {out + c * values, values}, pool_);
    }
  }
  void inverse(const float* spectra, float* x, const FrameCounts& counts) override {
    const std::size_t values = counts.frames * stft_->bins();
    const auto* const in = reinterpret_cast<const Stft::Complex*>(spectra);
    for (std::size_t c = 0; c < counts.channels; ++c) {
      stft_->inverse({in + c * values, values}, {x + c * counts.samples, counts.samples}, pool_);
    }
  }

 private:
  std::shared_ptr<const Stft> stft_;
  ThreadPool* pool_;
};

FramePlan plan_of(const Stft& stft, const StftOptions& options) {
  FramePlan plan;
  plan.fft_size = stft.fft_size();
  plan.hop = stft.hop_samples();
  plan.pad = options.center ? stft.fft_size() / 2 : 0;
  plan.padding = options.padding;
  plan.window = stft.window();
  if (options.normalized) {
    plan.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(plan.fft_size)));
  }
  return plan;
}

/// The same that Stft::inverse refuses, before a GPU divides by nothing.
class CheckedStft final : public BatchedStftEngine {
 public:
  CheckedStft(const FramePlan& plan, std::unique_ptr<BatchedStftEngine> engine)
      : plan_(plan), window_(plan.window.begin(), plan.window.end()), engine_(std::move(engine)) {}

  void forward(const float* x, float* spectra, const FrameCounts& counts) override {
    engine_->forward(x, spectra, counts);
  }
  void inverse(const float* spectra, float* x, const FrameCounts& counts) override {
    check_covered(counts);
    engine_->inverse(spectra, x, counts);
  }

 private:
  void check_covered(const FrameCounts& counts) {
    if (counts.samples == covered_.samples && counts.frames == covered_.frames) return;
    const std::size_t end =
        std::min(plan_.pad + counts.samples, (counts.frames - 1) * plan_.hop + plan_.fft_size);
    // Between the first frames and the last every hop is like the one before it.
    const std::size_t edge = plan_.fft_size + plan_.hop;
    for (std::size_t at = plan_.pad; at < end; ++at) {
      if (at == plan_.pad + edge && at + edge < end) at = end - edge;
      if (weight(at, counts.frames) >= 1e-11F) continue;  // torch.istft's own bound
      fail(ErrorCode::invalid_argument, "[BatchedStft] sample {} is covered by no window",
           at - plan_.pad);
    }
    covered_ = counts;
  }
  float weight(std::size_t at, std::size_t frames) const {
    const std::size_t first = at < plan_.fft_size ? 0 : (at - plan_.fft_size) / plan_.hop + 1;
    float sum = 0;
    for (std::size_t f = first; f < frames && f * plan_.hop <= at; ++f) {
      sum += window_[at - f * plan_.hop] * window_[at - f * plan_.hop];
    }
    return sum;
  }

  FramePlan plan_;
  std::vector<float> window_;
  std::unique_ptr<BatchedStftEngine> engine_;
  FrameCounts covered_;
};

FrameCounts counts_of(const Stft& stft, const ConstTensorView& x) {
  if (x.shape().rank() != 2) {
    fail(ErrorCode::invalid_argument, "[BatchedStft] samples of shape {}: expected two axes",
         x.shape().to_string());
  }
  FrameCounts counts;
  counts.channels = static_cast<std::size_t>(x.shape()[0]);
  counts.samples = static_cast<std::size_t>(x.shape()[1]);
  counts.frames = stft.frames(counts.samples);
  return counts;
}

void check_spectra(const Stft& stft, const ConstTensorView& spectra, const FrameCounts& counts) {
  check_shape("BatchedStft", spectra,
              {static_cast<std::int64_t>(counts.channels), static_cast<std::int64_t>(counts.frames),
               static_cast<std::int64_t>(stft.bins()), 2});
}

std::unique_ptr<BatchedStftEngine> make_engine(const std::shared_ptr<const Stft>& stft,
                                               const StftOptions& options,
                                               const BatchedOptions& batched) {
  if (!is_cuda(batched.device)) return std::make_unique<CpuStft>(stft, batched.pool);
  const FramePlan plan = plan_of(*stft, options);
  using Make =
      void(const FramePlan&, std::shared_ptr<AudioDevice>, std::unique_ptr<BatchedStftEngine>*);
  std::unique_ptr<BatchedStftEngine> engine;
  cuda_function_as<Make>("metalaudio_cuda_make_stft")(plan, batched.device, &engine);
  return std::make_unique<CheckedStft>(plan, std::move(engine));
}

}  // namespace

BatchedStft::BatchedStft(const StftOptions& options, const BatchedOptions& batched)
    : stft_(std::make_shared<const Stft>(options)),
      device_(batched.device),
      engine_(make_engine(stft_, options, batched)) {}
BatchedStft::~BatchedStft() = default;
BatchedStft::BatchedStft(BatchedStft&&) noexcept = default;
BatchedStft& BatchedStft::operator=(BatchedStft&&) noexcept = default;

DeviceType BatchedStft::device() const noexcept { return device_type_of(device_); }

void BatchedStft::forward(const ConstTensorView& x, const TensorView& spectra) {
  check_place("BatchedStft", x, device_);
  check_place("BatchedStft", spectra, device_);
  const FrameCounts counts = counts_of(*stft_, x);
  if (counts.frames == 0) {
    fail(ErrorCode::invalid_argument, "[BatchedStft] {} samples are too few for frames of {}",
         counts.samples, fft_size());
  }
  check_spectra(*stft_, spectra, counts);
  if (counts.channels > 0) engine_->forward(address_of(x), address_of(spectra), counts);
}

void BatchedStft::inverse(const ConstTensorView& spectra, const TensorView& x) {
  check_place("BatchedStft", x, device_);
  check_place("BatchedStft", spectra, device_);
  FrameCounts counts = counts_of(*stft_, x);
  // As many frames as there are, whatever x's length would give.
  const Shape& shape = spectra.shape();
  counts.frames = shape.rank() == 4 ? static_cast<std::size_t>(shape[1]) : 0;
  if (counts.frames == 0) {
    fail(ErrorCode::invalid_argument, "[BatchedStft] spectra of shape {}: no frames",
         shape.to_string());
  }
  check_spectra(*stft_, spectra, counts);
  if (counts.channels > 0 && counts.samples > 0) {
    engine_->inverse(address_of(spectra), address_of(x), counts);
  }
}

}  // namespace metalaudio::dsp
