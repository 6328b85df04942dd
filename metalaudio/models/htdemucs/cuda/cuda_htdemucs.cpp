#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/cuda/batch_engine.h>
#include <metalaudio/models/htdemucs/largest_batch.h>
#include <metalaudio/nn/cuda_backend.h>

#include <algorithm>
#include <utility>

namespace metalaudio::models::cuda {

namespace {

/// As many segments as the GPU has enough work with; more would only be awaited for longer.
constexpr std::size_t kMostSegments = 8;
/// A batch of another size than would be best is not worth a new plan from here on.
constexpr std::size_t kEnoughSegments = 4;

std::size_t free_bytes(int device) {
  const metalaudio::cuda::CurrentDevice current(device);
  std::size_t free = 0;
  std::size_t total = 0;
  metalaudio::cuda::check(cudaMemGetInfo(&free, &total), "its free memory");
  return free;
}

/// About what a segment takes: its frames, stems and mix twice, and the values between the layers,
/// of which the widest are as large as the stems' spectrogram.
std::size_t segment_bytes(const HTDemucsConfig& config) {
  const auto outputs = config.audio_channels * static_cast<std::int64_t>(config.sources.size());
  const std::int64_t spectrogram = config.nfft / 2 * config.frames() * outputs * 2;
  return static_cast<std::size_t>(spectrogram) * sizeof(float) * 6;
}

/// HTDemucs on one GPU.
class CudaHTDemucs final : public SegmentModel {
 public:
  explicit CudaHTDemucs(EngineParts parts) : parts_(std::move(parts)) {}

  const std::vector<std::string>& sources() const noexcept override {
    return parts_.config.sources;
  }
  int sample_rate_hz() const noexcept override {
    return static_cast<int>(parts_.config.samplerate);
  }
  std::size_t channels() const noexcept override {
    return static_cast<std::size_t>(parts_.config.audio_channels);
  }
  std::size_t segment_samples() const noexcept override {
    return static_cast<std::size_t>(parts_.config.segment_samples());
  }

  void run(std::span<const float> mix, std::span<float> stems) override {
    if (mix.size() != channels() * segment_samples() ||
        stems.size() != sources().size() * mix.size()) {
      fail(ErrorCode::invalid_argument, "[HTDemucs] {} samples in, {} out: expected {} and {}",
           mix.size(), stems.size(), channels() * segment_samples(),
           sources().size() * channels() * segment_samples());
    }
    // Apart from the batches, which may be underway.
    if (!one_) one_ = std::make_shared<BatchEngine>(parts_, 1);
    std::ranges::copy(mix, one_->mix(0, 0).begin());
    one_->start(0, 1);
    std::ranges::copy(one_->stems(0, 0), stems.begin());
  }

  std::unique_ptr<SegmentBatches> make_batches(std::size_t segments) override {
    const std::size_t wanted = wanted_batch(segments);
    const bool asked_for = parts_.options.batch > 0;
    const std::size_t enough = std::min({wanted, asked_for ? wanted : kEnoughSegments, most_});
    if (engine_ == nullptr || engine_->capacity() < enough) {
      engine_.reset();  // before another one takes memory
      engine_ = largest_batch(std::min(wanted, most_), [&](std::size_t batch) {
        return std::make_shared<BatchEngine>(parts_, batch);
      });
      if (engine_->capacity() < wanted) most_ = engine_->capacity();
    }
    engine_->settle();
    return std::make_unique<Batches>(engine_);
  }

  nn::PlanReport report() const override {
    if (one_) return one_->plan().report();
    return engine_ ? engine_->plan().report() : nn::PlanReport{};
  }

 private:
  /// The model's engine as long as a separation uses it; the next one finds it again.
  class Batches final : public SegmentBatches {
   public:
    explicit Batches(std::shared_ptr<BatchEngine> engine) : engine_(std::move(engine)) {}
    ~Batches() override { engine_->settle(); }
    std::size_t capacity() const noexcept override { return engine_->capacity(); }
    std::size_t batches() const noexcept override { return engine_->batches(); }
    std::span<float> mix(std::size_t batch, std::size_t segment) override {
      return engine_->mix(batch, segment);
    }
    void start(std::size_t batch, std::size_t count) override { engine_->start(batch, count); }
    std::span<const float> stems(std::size_t batch, std::size_t segment) override {
      return engine_->stems(batch, segment);
    }
    bool add_up(const SumRule& rule) override { return engine_->add_up(rule); }
    bool begin_sums(std::size_t batch, std::span<const SumPlace> places,
                    ConstAudioView sums) override {
      return engine_->begin_sums(batch, places, sums);
    }
    ConstAudioView sums(std::size_t batch, std::size_t segment) override {
      return engine_->sums(batch, segment);
    }

   private:
    std::shared_ptr<BatchEngine> engine_;
  };

  std::size_t wanted_batch(std::size_t segments) const {
    if (parts_.options.batch > 0) return parts_.options.batch;
    const std::size_t room =
        free_bytes(parts_.device->properties().index) / 4 * 3 / segment_bytes(parts_.config);
    return even_batch(segments, std::clamp<std::size_t>(room, 1, kMostSegments));
  }

  EngineParts parts_;
  std::size_t most_ = static_cast<std::size_t>(-1);  ///< what fitted when more did not
  std::shared_ptr<BatchEngine> engine_;
  std::shared_ptr<BatchEngine> one_;
};

std::unique_ptr<SegmentModel> make(EngineParts parts) {
  const std::string refusal = Frames::refusal(parts.config, parts.options.mode, *parts.device);
  if (refusal.empty()) return std::make_unique<CudaHTDemucs>(std::move(parts));
  if (parts.options.notice) {
    parts.options.notice(fmt::format("cuda:{}: the frames around the network run on the cpu: {}",
                                     parts.device->properties().index, refusal));
  }
  parts.options.devices = {parts.device};
  return std::make_unique<HTDemucs>(parts.config, parts.weights(), parts.options, *parts.pool);
}

}  // namespace

}  // namespace metalaudio::models::cuda

METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_htdemucs(
    const metalaudio::models::HTDemucsConfig& config,
    const metalaudio::models::WeightsSource& weights,
    const metalaudio::models::ModelOptions& options,
    const std::shared_ptr<metalaudio::AudioDevice>& device, metalaudio::ThreadPool& pool,
    std::unique_ptr<metalaudio::models::SegmentModel>& model) {
  model = metalaudio::models::cuda::make(
      {config, weights, options, device,
       metalaudio::nn::make_cuda_backend(device, options.precision), &pool});
}
