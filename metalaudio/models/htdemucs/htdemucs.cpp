#include <metalaudio/models/htdemucs/htdemucs.h>

#include <metalaudio/core/error.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/models/htdemucs/spectrogram.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/cuda_backend.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <optional>

namespace metalaudio::models {

namespace {

/// (x - mean) · scale, and how to undo it.
struct Normalisation {
  float mean = 0;
  float deviation = 1;

  float scale() const { return 1.0F / (1e-5F + deviation); }
};

/// Mean and unbiased standard deviation, as torch.Tensor.std.
Normalisation measure(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const float v : values) squares += (v - mean) * (v - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return {static_cast<float>(mean), static_cast<float>(deviation)};
}

HTDemucsConfig shortened(HTDemucsConfig config, const ModelOptions& options) {
  config.shorten(options.segment_seconds);
  return config;
}

nn::Plan make_plan(const HTDemucsConfig& config, const nn::Weights& weights,
                   const ModelOptions& options, ThreadPool& pool) {
  const std::size_t memory = HardwareProfile::detect().memory_bytes;
  nn::PlanOptions plan;
  plan.precision = options.precision;
  plan.pool = &pool;
  plan.timing = options.timing;
  plan.tolerances = options.tolerances;
  if (memory > 0) plan.memory_limit_bytes = memory;
  if (!options.devices.empty()) {
    plan.backends = {nn::make_cuda_backend(options.devices.front(), options.precision),
                     nn::make_cpu_backend(Precision::fp32, pool.threads())};
  }
  return nn::Plan(build_htdemucs(config, weights, options.mode), plan);
}

}  // namespace

struct HTDemucs::Impl {
  Impl(const HTDemucsConfig& given, const nn::Weights& weights, const ModelOptions& options,
       ThreadPool& threads)
      : config(shortened(given, options)),
        pool(threads),
        plan(make_plan(config, weights, options, pool)),
        outputs(config.sources.size() * channels()),
        waveform(plan.input("waveform").values_as<float>()),
        waveform_out(plan.output("waveform").values_as<float>()) {
    if (options.mode == Mode::time_only) return;
    spectrogram_in = plan.input("spectrogram").values_as<float>();
    spectrogram_out = plan.output("spectrogram").values_as<float>();
    spectrogram.emplace(config, outputs, pool);
  }

  std::size_t channels() const { return static_cast<std::size_t>(config.audio_channels); }
  std::size_t segment() const { return static_cast<std::size_t>(config.segment_samples()); }

  void run(std::span<const float> mix, std::span<float> stems) {
    if (mix.size() != channels() * segment() || stems.size() != outputs * segment()) {
      fail(ErrorCode::invalid_argument, "[HTDemucs] {} samples in, {} out: expected {} and {}",
           mix.size(), stems.size(), channels() * segment(), outputs * segment());
    }
    const Normalisation time = measure(mix);
    Normalisation freq;
    if (spectrogram) {
      spectrogram->forward(mix, spectrogram_in);
      freq = measure(spectrogram_in);
      normalise(spectrogram_in, freq);
    }
    for (std::size_t c = 0; c < channels(); ++c) {
      for (std::size_t i = 0; i < segment(); ++i) {
        waveform[i * channels() + c] = mix[c * segment() + i];
      }
    }
    normalise(waveform, time);
    plan.run();
    if (plan.lost())
      fail(ErrorCode::backend_unavailable, "[HTDemucs] the device was lost while it computed");
    if (spectrogram) {
      spectrogram->inverse(spectrogram_out, freq.deviation, freq.mean, stems);
    } else {
      std::fill(stems.begin(), stems.end(), 0.0F);
    }
    add_waveform(time, stems);
  }

  void normalise(std::span<float> values, const Normalisation& by) {
    constexpr std::size_t kBlock = 1 << 16;
    const float scale = by.scale();
    pool.parallel_for((values.size() + kBlock - 1) / kBlock, [&](std::size_t block, std::size_t) {
      const std::size_t end = std::min(values.size(), (block + 1) * kBlock);
      for (std::size_t i = block * kBlock; i < end; ++i) values[i] = (values[i] - by.mean) * scale;
    });
  }

  void add_waveform(const Normalisation& by, std::span<float> stems) {
    constexpr std::size_t kBlock = 1 << 12;
    pool.parallel_for((segment() + kBlock - 1) / kBlock, [&](std::size_t block, std::size_t) {
      const std::size_t end = std::min(segment(), (block + 1) * kBlock);
      for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t i = block * kBlock; i < end; ++i) {
          stems[o * segment() + i] += waveform_out[i * outputs + o] * by.deviation + by.mean;
        }
      }
    });
  }

  HTDemucsConfig config;
  ThreadPool& pool;
  nn::Plan plan;
  std::size_t outputs;
  std::span<float> waveform;
  std::span<const float> waveform_out;
  std::span<float> spectrogram_in;
  std::span<const float> spectrogram_out;
  std::optional<Spectrogram> spectrogram;
};

HTDemucs::HTDemucs(const nn::StateFile& file, const ModelOptions& options, ThreadPool& pool)
    : HTDemucs(read_htdemucs_config(file), nn::Weights(file), options, pool) {}
HTDemucs::HTDemucs(const HTDemucsConfig& config, const nn::Weights& weights,
                   const ModelOptions& options, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(config, weights, options, pool)) {}
HTDemucs::~HTDemucs() = default;
HTDemucs::HTDemucs(HTDemucs&&) noexcept = default;

const std::vector<std::string>& HTDemucs::sources() const noexcept { return impl_->config.sources; }
int HTDemucs::sample_rate_hz() const noexcept { return static_cast<int>(impl_->config.samplerate); }
std::size_t HTDemucs::channels() const noexcept { return impl_->channels(); }
std::size_t HTDemucs::segment_samples() const noexcept { return impl_->segment(); }
double HTDemucs::segment_seconds() const noexcept { return impl_->config.segment_seconds(); }

void HTDemucs::run(std::span<const float> mix, std::span<float> stems) { impl_->run(mix, stems); }

std::size_t HTDemucs::memory_bytes() const noexcept {
  const nn::PlanStatistics& statistics = impl_->plan.statistics();
  return statistics.activation_bytes + statistics.weight_bytes;
}

nn::PlanReport HTDemucs::report() const { return impl_->plan.report(); }

}  // namespace metalaudio::models
