#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/convolution/convolution_engine.h>
#include <metalaudio/dsp/finite.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kChunk = 1024;
constexpr std::size_t kLongestIr = std::size_t{1} << 26;
constexpr std::size_t kMostChannels = 256;

void check_options(const ConvolutionOptions& options) {
  for (const std::size_t channels : {options.inputs, options.outputs}) {
    if (channels == 0 || channels > kMostChannels) {
      fail(ErrorCode::invalid_argument, "[Convolution] {} inputs and {} outputs: expected 1 to {}",
           options.inputs, options.outputs, kMostChannels);
    }
  }
  if (options.block_samples == 0) {
    fail(ErrorCode::invalid_argument, "[Convolution] blocks of 0 samples: expected at least 1");
  }
  if (options.crossfade_samples > kLongestIr) {
    fail(ErrorCode::invalid_argument,
         "[Convolution] a crossfade of {} samples: expected at most {}", options.crossfade_samples,
         kLongestIr);
  }
}

void check_routes(std::span<const ConvolutionRoute> routes, const ConvolutionOptions& options) {
  if (routes.empty()) fail(ErrorCode::invalid_argument, "[Convolution] no routes");
  bool heard = false;
  for (const ConvolutionRoute& route : routes) {
    if (route.input >= options.inputs || route.output >= options.outputs) {
      fail(ErrorCode::invalid_argument,
           "[Convolution] route {} to {}: there are {} inputs and {} outputs", route.input,
           route.output, options.inputs, options.outputs);
    }
    if (route.ir.empty() || route.ir.size() > kLongestIr) {
      fail(ErrorCode::invalid_argument, "[Convolution] a response of {} samples: expected 1 to {}",
           route.ir.size(), kLongestIr);
    }
    for (std::size_t i = 0; i < route.ir.size(); ++i) {
      if (!std::isfinite(route.ir[i])) {
        fail(ErrorCode::invalid_argument, "[Convolution] sample {} of a response is not finite", i);
      }
      heard = heard || route.ir[i] != 0.0F;
    }
  }
  if (!heard) fail(ErrorCode::invalid_argument, "[Convolution] every response is all zero");
}

ConvolutionLayout layout_for(std::span<const ConvolutionRoute> routes,
                             const ConvolutionOptions& options) {
  std::size_t longest = 0;
  for (const ConvolutionRoute& route : routes) longest = std::max(longest, route.ir.size());
  const std::size_t block = std::clamp<std::size_t>(std::bit_floor(options.block_samples), 32, 64);
  const bool direct = options.method == ConvolutionMethod::direct ||
                      (options.method == ConvolutionMethod::automatic && longest <= 128);
  if (direct) return {.head_taps = longest, .block = block, .levels = {}};
  return make_convolution_layout(longest, block, options.scheme);
}

}  // namespace

std::vector<ConvolutionRoute> convolution_routes(ConstAudioView ir, std::size_t inputs,
                                                 std::size_t outputs) {
  std::vector<ConvolutionRoute> routes;
  const std::size_t channels = ir.channels();
  if (channels == inputs * outputs) {
    for (std::size_t c = 0; c < channels; ++c) {
      routes.push_back({c / outputs, c % outputs, ir.channel(c)});
    }
  } else if (inputs == outputs && (channels == 1 || channels == inputs)) {
    for (std::size_t c = 0; c < inputs; ++c) {
      routes.push_back({c, c, ir.channel(channels == 1 ? 0 : c)});
    }
  } else {
    fail(ErrorCode::invalid_argument,
         "[Convolution] a response of {} channels for {} inputs and {} outputs: expected 1, {} or "
         "{}",
         channels, inputs, outputs, inputs, inputs * outputs);
  }
  return routes;
}

Convolution::Convolution(std::span<const ConvolutionRoute> routes,
                         const ConvolutionOptions& options)
    : options_((check_options(options), options)), engines_(make_engine(routes)) {
  input_.assign(options.inputs, std::vector<float>(kChunk));
  faded_ = input_;
  rest_.assign(options.outputs, std::vector<float>(kChunk));
  for (const auto& channel : input_) input_pointers_.push_back(channel.data());
  for (const auto& channel : faded_) faded_pointers_.push_back(channel.data());
  for (auto& channel : rest_) rest_pointers_.push_back(channel.data());
  out_pointers_.assign(options.outputs, nullptr);
}

Convolution::Convolution(std::span<const float> ir, const ConvolutionOptions& options)
    : Convolution(std::vector<ConvolutionRoute>{{0, 0, ir}}, options) {}

Convolution::~Convolution() = default;

std::unique_ptr<ConvolutionEngine> Convolution::make_engine(
    std::span<const ConvolutionRoute> routes) const {
  check_routes(routes, options_);
  return std::make_unique<ConvolutionEngine>(routes, options_.inputs, options_.outputs,
                                             layout_for(routes, options_));
}

void Convolution::swap_ir(std::span<const ConvolutionRoute> routes) {
  engines_.offer(make_engine(routes));
}

void Convolution::swap_ir(std::span<const float> ir) {
  const ConvolutionRoute route{0, 0, ir};
  swap_ir({&route, 1});
}

void Convolution::begin_change() noexcept {
  if (!engines_.take()) return;
  fade_position_ = 0;
  release_position_ = 0;
}

void Convolution::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == options_.inputs && out.channels() == options_.outputs);
  assert(in.frames() == out.frames());
  const FlushDenormals flush;
  begin_change();
  for (std::size_t at = 0; at < in.frames();) {
    const std::size_t count = std::min(kChunk, in.frames() - at);
    const AudioView part = out.part(at, count);
    if (!take_input(in.part(at, count))) {
      status_.report(Trouble::input_replaced);
    }
    for (std::size_t o = 0; o < out.channels(); ++o) out_pointers_[o] = part.channel(o).data();
    if (engines_.previous() != nullptr) {
      process_change(part);
    } else {
      engines_.current().process(input_pointers_.data(), out_pointers_.data(), count);
    }
    at += count;
  }
}

void Convolution::process(std::span<const float> x, std::span<float> y) noexcept {
  assert(x.size() == y.size());
  process(ConstAudioView(x), AudioView(y));
}

bool Convolution::take_input(ConstAudioView in) noexcept {
  bool finite = true;
  for (std::size_t i = 0; i < in.channels(); ++i) {
    finite = copy_finite(in.channel(i), input_[i].data()) && finite;
  }
  return finite;
}

void Convolution::process_change(AudioView out) noexcept {
  const std::size_t frames = out.frames();
  const float fade = static_cast<float>(options_.crossfade_samples);
  for (std::size_t i = 0; i < input_.size(); ++i) {
    for (std::size_t k = 0; k < frames; ++k) {
      const float gain = std::min(1.0F, static_cast<float>(fade_position_ + k + 1) / (fade + 1.0F));
      const float x = input_[i][k];
      input_[i][k] = gain * x;
      faded_[i][k] = x - gain * x;
    }
  }
  engines_.current().process(input_pointers_.data(), out_pointers_.data(), frames);
  engines_.previous()->process(faded_pointers_.data(), rest_pointers_.data(), frames);
  const bool waiting = engines_.waiting() || release_position_ > 0;
  for (std::size_t o = 0; o < out.channels(); ++o) {
    const std::span<float> y = out.channel(o);
    for (std::size_t k = 0; k < frames; ++k) {
      const float left = 1.0F - static_cast<float>(release_position_ + k + 1) / (fade + 1.0F);
      y[k] += rest_[o][k] * (waiting ? std::max(0.0F, left) : 1.0F);
    }
  }
  fade_position_ += frames;
  if (waiting) release_position_ += frames;
  const bool rung_out =
      fade_position_ >= options_.crossfade_samples + engines_.previous()->ir_samples();
  const bool released = release_position_ >= std::max<std::size_t>(1, options_.crossfade_samples);
  if (rung_out || released) engines_.retire();
}

void Convolution::reset() noexcept {
  engines_.retire();
  begin_change();
  engines_.retire();
  engines_.current().reset();
}

}  // namespace metalaudio::dsp
