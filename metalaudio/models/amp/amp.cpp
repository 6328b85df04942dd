#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/dsp/oversampler.h>
#include <metalaudio/dsp/rate_adapter.h>
#include <metalaudio/models/amp/amp.h>
#include <metalaudio/models/amp/cpu/program_kernels.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/phases.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>
#include <vector>

namespace metalaudio::models {
namespace {

constexpr float kLimit = 1e30F;
constexpr double kMostMultiple = 16.0;

FileBytes read_file(const std::filesystem::path& path) {
  try {
    return FileBytes(path);
  } catch (const Error& error) {
    fail(error.code(), "[Amp] {}: {}", path.string(), error.what());
  }
}

/// How often the model's rate goes into another, 0 where it does not.
std::size_t multiple_of(double rate_hz, double model_rate_hz) {
  const double ratio = rate_hz / model_rate_hz;
  const double whole = std::round(ratio);
  // Rates are written with a handful of digits.
  const bool exact = whole >= 1.0 && whole <= kMostMultiple && std::abs(ratio - whole) < 1e-9;
  return exact ? static_cast<std::size_t>(whole) : 0;
}

}  // namespace

/// From the outside in: a resampler there and back, oversampling, the network.
struct Amp::Impl {
  Impl(const std::shared_ptr<const amp::Program>& program, const amp::Model& model,
       const AmpOptions& options);

  void process(const ConstAudioView& in, const AudioView& out) noexcept {
    if (adapter) return adapter->process(in, out);
    oversampled(in, out);
  }
  void oversampled(const ConstAudioView& in, const AudioView& out) noexcept {
    if (!oversampler) return phases->process(in, out, status);
    oversampler->process(in, out, [this](const AudioView& block) noexcept {
      phases->process(block, block, status);
    });
  }

  RealtimeStatus status;
  std::optional<amp::Phases> phases;
  std::optional<dsp::Oversampler> oversampler;
  std::optional<dsp::RateAdapter> adapter;
};

Amp::Impl::Impl(const std::shared_ptr<const amp::Program>& program, const amp::Model& model,
                const AmpOptions& options) {
  const double model_rate_hz =
      model.sample_rate_hz.value_or(options.sample_rate_hz.value_or(48000.0));
  const double rate_hz = options.sample_rate_hz.value_or(model_rate_hz);
  if (!(rate_hz > 0.0 && std::isfinite(rate_hz)))
    fail(ErrorCode::invalid_argument, "[Amp] a sample rate of {}", rate_hz);
  const std::size_t multiple = multiple_of(rate_hz, model_rate_hz);
  if (options.oversampling != 1)
    oversampler.emplace(options.oversampling,
                        dsp::OversamplerOptions{.channels = options.channels});
  if (multiple == 0)
    adapter.emplace(
        rate_hz, model_rate_hz,
        dsp::RateAdapterOptions{
            .channels = options.channels,
            .latency_samples = oversampler ? oversampler->latency_samples() : 0},
        [this](const ConstAudioView& in, const AudioView& out) { oversampled(in, out); });
  phases.emplace(program, options.channels,
                 std::max<std::size_t>(multiple, 1) * options.oversampling,
                 options.prewarm.value_or(model.prewarmed), model.prewarm_frames);
}

Amp::Amp(const std::filesystem::path& file, const AmpOptions& options)
    : Amp(read_file(file).bytes(), options) {}

Amp::Amp(std::span<const std::byte> file, const AmpOptions& options) {
  if (options.channels < 1 || options.channels > 2)
    fail(ErrorCode::invalid_argument, "[Amp] {}: 1 or 2", counted(options.channels, "channel"));
  if (!(options.slim >= 0.0 && options.slim <= 1.0))
    fail(ErrorCode::invalid_argument, "[Amp] slim {}: 0 to 1", options.slim);
  amp::Model model = amp::read_model(
      file, {options.tanh == AmpTanh::fast, options.slim, options.film_in_every_mode});
  constexpr std::size_t kMostControls = amp::Phases::kMostControls;
  if (model.program.out.channels != 1 || model.program.in.channels > 1 + kMostControls)
    fail(ErrorCode::unsupported, "[Amp] a network of {} and {}: an amp has one of each",
         counted(model.program.in.channels, "input"),
         counted(model.program.out.channels, "output"));
  sample_rate_hz_ = model.sample_rate_hz;
  loudness_db_ = model.loudness_db;
  input_level_dbu_ = model.input_level_dbu;
  output_level_dbu_ = model.output_level_dbu;
  const auto program = std::make_shared<const amp::Program>(std::move(model.program));
  impl_ = std::make_unique<Impl>(program, model, options);
}

Amp::~Amp() = default;
Amp::Amp(Amp&&) noexcept = default;
Amp& Amp::operator=(Amp&&) noexcept = default;

std::size_t Amp::channels() const noexcept { return impl_->phases->channels(); }
std::size_t Amp::controls() const noexcept { return impl_->phases->controls(); }

std::size_t Amp::latency_samples() const noexcept {
  if (impl_->adapter) return impl_->adapter->latency_samples();
  return impl_->oversampler ? impl_->oversampler->latency_samples() : 0;
}

void Amp::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == channels() && out.channels() == channels());
  assert(in.frames() == out.frames());
  const FlushDenormals flush;
  bool good = true;
  for (std::size_t c = 0; c < channels(); ++c) {
    good = good && amp::peak_of(in.channel(c).data(), in.frames()) <= kLimit;
  }
  if (!good) {
    for (std::size_t c = 0; c < channels(); ++c) std::ranges::fill(out.channel(c), 0.0F);
    impl_->status.report(Trouble::input_replaced);
    return;
  }
  impl_->process(in, out);
}

void Amp::process(std::span<const float> x, std::span<float> y) noexcept {
  assert(channels() == 1 && x.size() == y.size());
  process(ConstAudioView(x), AudioView(y));
}

void Amp::reset() noexcept {
  if (impl_->adapter) impl_->adapter->reset();
  if (impl_->oversampler) impl_->oversampler->reset();
  impl_->phases->reset();
}

void Amp::set_control(std::size_t index, float value) noexcept {
  impl_->phases->set_control(index, value);
}

// Input is checked before anything runs: what oversampler and resamplers find is the model's.
Trouble Amp::status() const noexcept {
  if (const Trouble first = impl_->status.peek(); first != Trouble::none) return first;
  const bool found = (impl_->oversampler && impl_->oversampler->status() != Trouble::none) ||
                     (impl_->adapter && impl_->adapter->status() != Trouble::none);
  return found ? Trouble::output_silenced : Trouble::none;
}

Trouble Amp::take_status() noexcept {
  const Trouble first = status();
  impl_->status.take();
  if (impl_->oversampler) impl_->oversampler->take_status();
  if (impl_->adapter) impl_->adapter->take_status();
  return first;
}

}  // namespace metalaudio::models
