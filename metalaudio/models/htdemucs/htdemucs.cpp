#include <metalaudio/models/htdemucs/htdemucs.h>

#include <metalaudio/core/error.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/models/error_text.h>
#include <metalaudio/models/htdemucs/moments.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/models/htdemucs/spectrogram.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/cuda_backend.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace metalaudio::models {

namespace {

/// (x - mean) · scale, and how to undo it.
struct Normalisation {
  float mean = 0;
  float deviation = 1;

  float scale() const { return 1.0F / (1e-5F + deviation); }
};

constexpr std::size_t kBlock = 1 << 14;

/// Calls body(values of a block, index of the block) on all threads.
template <typename T, typename Body>
void for_blocks(std::span<T> values, ThreadPool& pool, Body body) {
  pool.parallel_for((values.size() + kBlock - 1) / kBlock, [&](std::size_t block, std::size_t) {
    const std::size_t first = block * kBlock;
    body(values.subspan(first, std::min(kBlock, values.size() - first)), block);
  });
}

Normalisation normalisation_of(const Moments& moments) {
  return {static_cast<float>(moments.mean), static_cast<float>(moments.deviation())};
}

/// Of blocks first, so that it does not depend on the threads.
Normalisation measure(std::span<const float> values, ThreadPool& pool) {
  std::vector<Moments> blocks((values.size() + kBlock - 1) / kBlock);
  for_blocks(values, pool, [&](std::span<const float> some, std::size_t block) {
    blocks[block] = moments_of(some);
  });
  Moments all;
  for (const Moments& block : blocks) all.merge(block);
  return normalisation_of(all);
}

HTDemucsConfig shortened(HTDemucsConfig config, const ModelOptions& options) {
  config.shorten(options.segment_seconds);
  return config;
}

/// What separating takes beside its plans, all together: files; code and libraries are 40 MiB, and
/// the kernel counts its own tables for a process. Threads' scratch is the plans'.
constexpr std::size_t kBytesOfProcess = std::size_t{52} << 20U;

/// And beside each: spectra, segments and their sums.
std::size_t bytes_beside(const HTDemucsConfig& config) {
  const auto channels = static_cast<std::size_t>(config.audio_channels);
  const auto spectra = static_cast<std::size_t>((config.frames() + 4) * (config.nfft / 2 + 1));
  const auto segment = static_cast<std::size_t>(config.segment_samples());
  return channels * (spectra * 2 + (1 + 2 * config.sources.size()) * segment) * 4;
}

/// How much memory a plan may take. A process that takes more than its control group allows is
/// ended by the kernel: there, what is free counts.
struct MemoryLimit {
  MemoryLimit(const HTDemucsConfig& config, std::size_t models)
      : beside(kBytesOfProcess + models * bytes_beside(config)) {}

  std::size_t bytes() const {
    if (!profile.memory_is_limited) {
      return profile.memory_bytes > 0 ? profile.memory_bytes : nn::PlanOptions().memory_limit_bytes;
    }
    return profile.available_memory_bytes - std::min(profile.available_memory_bytes, beside);
  }

  /// Runs what makes a plan; its failures for want of memory say whose limit it is.
  template <typename Function>
  auto explaining(Function function) const {
    try {
      return function();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory || !profile.memory_is_limited) throw;
      fail(error.code(),
           "[HTDemucs] {}; this process's control group has {} MiB left of {} MiB, of which audio "
           "needs {} MiB",
           without_operation(error.what()), profile.available_memory_bytes >> 20U,
           profile.memory_bytes >> 20U, beside >> 20U);
    }
  }

  HardwareProfile profile = HardwareProfile::detect();
  std::size_t beside;
};

nn::Plan make_plan(const HTDemucsConfig& config, const nn::Weights& weights,
                   const ModelOptions& options, ThreadPool& pool) {
  const MemoryLimit memory(config, 1);
  nn::PlanOptions plan;
  plan.precision = options.precision;
  plan.pool = &pool;
  plan.timing = options.timing;
  plan.tolerances = options.tolerances;
  plan.memory_limit_bytes = memory.bytes();
  if (!options.devices.empty()) {
    plan.backends = {nn::make_cuda_backend(options.devices.front(), options.precision),
                     nn::make_cpu_backend(Precision::fp32, pool.threads())};
  }
  return memory.explaining(
      [&] { return nn::Plan(build_htdemucs(config, weights, options.mode), plan); });
}

/// Another model's values beside those of `models` that are there, whose audio may be still to come.
void check_memory_of_clone(const HTDemucsConfig& config, const nn::Plan& plan, std::size_t models) {
  const MemoryLimit memory(config, models + 1);
  const std::size_t values = plan.statistics().activation_bytes;
  if (values <= memory.bytes()) return;
  memory.explaining([&] {
    fail(ErrorCode::out_of_memory, "activations of {} MiB for each of {} models", values >> 20U,
         models + 1);
  });
}

}  // namespace

struct HTDemucs::Impl {
  Impl(HTDemucsConfig made_of, nn::Plan compiled, Mode of_branches, ThreadPool& threads)
      : config(std::move(made_of)),
        mode(of_branches),
        pool(threads),
        plan(std::move(compiled)),
        outputs(config.sources.size() * channels()),
        waveform(plan.input("waveform").values_as<float>()),
        waveform_out(plan.output("waveform").values_as<float>()) {
    if (mode == Mode::time_only) return;
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
    const Normalisation time = measure(mix, pool);
    Normalisation freq;
    if (spectrogram) {
      freq = normalisation_of(spectrogram->forward(mix, spectrogram_in));
      normalise(spectrogram_in, freq);
    }
    write_waveform(mix, time);
    plan.run();
    if (plan.lost())
      fail(ErrorCode::backend_unavailable, "[HTDemucs] the device was lost while it computed");
    const Waveform time_branch{waveform_out, time.deviation, time.mean};
    if (spectrogram) {
      spectrogram->inverse(spectrogram_out, freq.deviation, freq.mean, stems, time_branch);
    } else {
      read_waveform(time_branch, stems);
    }
  }

  void normalise(std::span<float> values, const Normalisation& by) {
    for_blocks(values, pool, [&](std::span<float> some, std::size_t) {
      const float scale = by.scale();
      for (float& value : some) value = (value - by.mean) * scale;
    });
  }

  /// Channels side by side.
  void write_waveform(std::span<const float> mix, const Normalisation& by) {
    const float scale = by.scale();
    for_frames([&](std::size_t first, std::size_t end) {
      for (std::size_t c = 0; c < channels(); ++c) {
        for (std::size_t i = first; i < end; ++i) {
          waveform[i * channels() + c] = (mix[c * segment() + i] - by.mean) * scale;
        }
      }
    });
  }

  void read_waveform(const Waveform& from, std::span<float> stems) {
    for_frames([&](std::size_t first, std::size_t end) {
      for (std::size_t o = 0; o < outputs; ++o) {
        float* const to = stems.data() + o * segment();
        for (std::size_t i = first; i < end; ++i)
          to[i] = from.values[i * outputs + o] * from.scale + from.offset;
      }
    });
  }

  /// Calls body(first, end) for blocks of the segment, on all threads.
  template <typename Body>
  void for_frames(Body body) {
    constexpr std::size_t kFrames = 1 << 10;
    pool.parallel_for((segment() + kFrames - 1) / kFrames, [&](std::size_t block, std::size_t) {
      body(block * kFrames, std::min(segment(), (block + 1) * kFrames));
    });
  }

  HTDemucsConfig config;
  std::shared_ptr<const char> family = std::make_shared<const char>();  ///< it and its clones
  Mode mode;
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
                   const ModelOptions& options, ThreadPool& pool) {
  HTDemucsConfig made_of = shortened(config, options);
  nn::Plan plan = make_plan(made_of, weights, options, pool);
  impl_ = std::make_unique<Impl>(std::move(made_of), std::move(plan), options.mode, pool);
}
HTDemucs::HTDemucs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HTDemucs::~HTDemucs() = default;
HTDemucs::HTDemucs(HTDemucs&&) noexcept = default;

const std::vector<std::string>& HTDemucs::sources() const noexcept { return impl_->config.sources; }
int HTDemucs::sample_rate_hz() const noexcept { return static_cast<int>(impl_->config.samplerate); }
std::size_t HTDemucs::channels() const noexcept { return impl_->channels(); }
std::size_t HTDemucs::segment_samples() const noexcept { return impl_->segment(); }
double HTDemucs::segment_seconds() const noexcept { return impl_->config.segment_seconds(); }

void HTDemucs::run(std::span<const float> mix, std::span<float> stems) { impl_->run(mix, stems); }

std::unique_ptr<SegmentModel> HTDemucs::clone(ThreadPool& pool) const {
  check_memory_of_clone(impl_->config, impl_->plan,
                        static_cast<std::size_t>(impl_->family.use_count()));
  auto impl = std::make_unique<Impl>(impl_->config, impl_->plan.clone(&pool), impl_->mode, pool);
  impl->family = impl_->family;
  return std::unique_ptr<SegmentModel>(new HTDemucs(std::move(impl)));
}

std::size_t HTDemucs::memory_bytes() const noexcept {
  const nn::PlanStatistics& statistics = impl_->plan.statistics();
  return statistics.activation_bytes + statistics.weight_bytes;
}

nn::PlanReport HTDemucs::report() const { return impl_->plan.report(); }

}  // namespace metalaudio::models
