#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/batched/views.h>
#include <metalaudio/dsp/batched_convolution.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace metalaudio::dsp {

namespace {

/// The longest response.
std::size_t checked(std::span<const std::span<const float>> irs,
                    const BatchedConvolutionOptions& options) {
  const std::size_t block = options.block_samples;
  if (!std::has_single_bit(block) || block < 16 || block > 8192) {
    fail(ErrorCode::invalid_argument,
         "[BatchedConvolution] blocks of {} samples: expected a power of two from 16 to 8192",
         block);
  }
  if (options.channels == 0 || (irs.size() != 1 && irs.size() != options.channels)) {
    fail(ErrorCode::invalid_argument,
         "[BatchedConvolution] {} responses for {} channels: expected one, or one for each",
         irs.size(), options.channels);
  }
  constexpr std::size_t kMostChannels = 65535;
  if (options.channels > kMostChannels) {
    fail(ErrorCode::invalid_argument, "[BatchedConvolution] {} channels: expected at most {}",
         options.channels, kMostChannels);
  }
  std::size_t longest = 0;
  for (std::size_t i = 0; i < irs.size(); ++i) {
    constexpr std::size_t kLongest = std::size_t{1} << 26;
    const std::span<const float> ir = irs[i];
    const bool finite = std::all_of(ir.begin(), ir.end(), [](float v) { return std::isfinite(v); });
    const bool silent = std::all_of(ir.begin(), ir.end(), [](float v) { return v == 0.0F; });
    if (ir.empty() || ir.size() > kLongest || !finite || silent) {
      fail(ErrorCode::invalid_argument, "[BatchedConvolution] response {} of {} samples is {}", i,
           ir.size(),
           !finite                ? "not finite"
           : ir.size() > kLongest ? "too long"
                                  : "silent");
    }
    longest = std::max(longest, ir.size());
  }
  return longest;
}

std::unique_ptr<BatchedConvolutionEngine> make_engine(std::span<const std::span<const float>> irs,
                                                      const BatchedConvolutionOptions& options,
                                                      const BatchedOptions& batched) {
  if (!is_cuda(batched.device)) return make_cpu_convolution(irs, options, batched.pool);
  using Make = void(std::span<const std::span<const float>>, const BatchedConvolutionOptions&,
                    std::shared_ptr<AudioDevice>, std::unique_ptr<BatchedConvolutionEngine>*);
  std::unique_ptr<BatchedConvolutionEngine> engine;
  cuda_function_as<Make>("metalaudio_cuda_make_convolution")(irs, options, batched.device, &engine);
  return engine;
}

}  // namespace

BatchedConvolution::BatchedConvolution(std::span<const std::span<const float>> irs,
                                       const BatchedConvolutionOptions& options,
                                       const BatchedOptions& batched)
    : options_(options),
      ir_samples_(checked(irs, options)),
      device_(batched.device),
      engine_(make_engine(irs, options, batched)) {}
BatchedConvolution::~BatchedConvolution() = default;
BatchedConvolution::BatchedConvolution(BatchedConvolution&&) noexcept = default;
BatchedConvolution& BatchedConvolution::operator=(BatchedConvolution&&) noexcept = default;

DeviceType BatchedConvolution::device() const noexcept { return device_type_of(device_); }

void BatchedConvolution::process(const ConstTensorView& in, const TensorView& out) {
  check_place("BatchedConvolution", in, device_);
  check_place("BatchedConvolution", out, device_);
  const std::int64_t frames = in.shape().rank() == 2 ? in.shape()[1] : 0;
  const auto channels = static_cast<std::int64_t>(options_.channels);
  check_shape("BatchedConvolution", in, {channels, frames});
  check_shape("BatchedConvolution", out, {channels, frames});
  const auto samples = static_cast<std::size_t>(frames);
  if (samples % options_.block_samples != 0) {
    fail(ErrorCode::invalid_argument, "[BatchedConvolution] {} frames: expected a multiple of {}",
         samples, options_.block_samples);
  }
  if (samples > 0) engine_->process(address_of(in), samples, address_of(out), samples);
}

void BatchedConvolution::convolve(const ConstTensorView& in, const TensorView& out) {
  check_place("BatchedConvolution", in, device_);
  check_place("BatchedConvolution", out, device_);
  const std::int64_t samples = in.shape().rank() == 2 ? in.shape()[1] : 0;
  const auto channels = static_cast<std::int64_t>(options_.channels);
  const std::int64_t whole =
      samples == 0 ? 0 : samples + static_cast<std::int64_t>(ir_samples_) - 1;
  check_shape("BatchedConvolution", in, {channels, samples});
  check_shape("BatchedConvolution", out, {channels, whole});
  if (samples == 0) return;
  engine_->reset();
  engine_->process(address_of(in), static_cast<std::size_t>(samples), address_of(out),
                   static_cast<std::size_t>(whole));
  engine_->reset();
}

void BatchedConvolution::reset() { engine_->reset(); }
Trouble BatchedConvolution::take_status() { return engine_->take_status(); }

}  // namespace metalaudio::dsp
