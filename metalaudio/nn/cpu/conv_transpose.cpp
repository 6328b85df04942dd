#include <metalaudio/nn/cpu/bf16.h>
#include <metalaudio/nn/cpu/kernel.h>

#include <metalaudio/core/error.h>

namespace metalaudio::nn::cpu {

namespace {

/// The taps of one axis that reach outputs congruent to `phase` modulo the stride: tap
/// phase + m · stride meets input (output + crop) / stride - m.
std::int64_t phase_taps(const TransposeAxis& axis, std::int64_t phase) {
  return phase < axis.kernel ? (axis.kernel - phase - 1) / axis.stride + 1 : 0;
}

/// A transposed convolution by phases: outputs that are congruent modulo the stride form an
/// ordinary convolution with their own few taps, so nothing is overlapped and added afterwards.
class ConvTransposeKernel final : public Kernel {
 public:
  ConvTransposeKernel(const Step& step, const KernelContext& context)
      : attributes_(std::get<ConvTransposeAttributes>(step.attributes)),
        in_(context.shape(step.inputs[0])),
        out_(context.shape(step.output)),
        x_(context.at(step.inputs[0])),
        y_(context.at(step.output)),
        activation_(step.activation),
        round_(context.round_to_bf16) {
    if (step.residual.index >= 0) {
      residual_ = context.at(step.residual);
      residual_strides_ = broadcast_strides(context.shape(step.residual));
    }
    const std::int64_t stride = attributes_.positions.stride;
    blocks_ = blocks_of(static_cast<std::size_t>((out_[1] + stride - 1) / stride));
    for (std::int64_t phase = 0; phase < attributes_.rows.stride * stride; ++phase) {
      weights_.push_back(pack_phase(step, context, phase / stride, phase % stride));
    }
    const auto taps = static_cast<std::size_t>(phase_taps(attributes_.rows, 0) *
                                               phase_taps(attributes_.positions, 0));
    if (taps > kMaxTaps) {
      fail(ErrorCode::unsupported, "[nn::Plan] {}: a phase of {} taps, at most {}", step.label,
           taps, kMaxTaps);
    }
    const auto depth = static_cast<std::size_t>(in_[2]);
    context.workers.reserve_gemm(taps, kBlockRows, depth);
    if (round_) context.workers.reserve_floats(taps * kBlockRows * depth);
  }

  void run(Workers& workers) noexcept override {
    const auto phases = static_cast<std::size_t>(attributes_.positions.stride);
    workers.parallel_for(static_cast<std::size_t>(out_[0]) * blocks_ * phases,
                         [this, phases](std::size_t task, ThreadScratch& scratch) {
                           const auto row = static_cast<std::int64_t>(task / (blocks_ * phases));
                           const std::size_t block = task / phases % blocks_;
                           run_block(row, static_cast<std::int64_t>(task % phases),
                                     static_cast<std::int64_t>(block * kBlockRows), scratch);
                         });
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const PackedMatrix& weights : weights_) bytes += weights.bytes();
    return bytes;
  }

 private:
  PackedMatrix pack_phase(const Step& step, const KernelContext& context, std::int64_t row_phase,
                          std::int64_t position_phase) const {
    const std::span<const float> weight = context.constant(step.inputs[1]);
    const std::span<const float> bias = context.constant(step.inputs[2]);
    const TransposeAxis& rows = attributes_.rows;
    const TransposeAxis& positions = attributes_.positions;
    const auto channels = static_cast<std::size_t>(in_[2]);
    std::vector<float> phase;
    std::vector<float> offset(bias.begin(), bias.end());
    for (std::size_t n = 0; n < bias.size(); ++n) {
      const float gain = step.gain.index >= 0 ? context.constant(step.gain)[n] : 1.0F;
      offset[n] *= gain;
      for (std::int64_t i = 0; i < phase_taps(rows, row_phase); ++i) {
        for (std::int64_t j = 0; j < phase_taps(positions, position_phase); ++j) {
          const auto tap =
              static_cast<std::size_t>((row_phase + i * rows.stride) * positions.kernel +
                                       position_phase + j * positions.stride);
          const std::size_t taps = static_cast<std::size_t>(rows.kernel * positions.kernel);
          const float* from = weight.data() + (n * taps + tap) * channels;
          for (std::size_t c = 0; c < channels; ++c) phase.push_back(gain * from[c]);
        }
      }
    }
    if (round_) round_to_bf16(phase, phase);
    return PackedMatrix(phase, offset, bias.size(), phase.size() / bias.size(), false);
  }

  /// Outputs first_position, first_position + stride, … of one row, from the start-th on.
  void run_block(std::int64_t row, std::int64_t offset, std::int64_t start,
                 ThreadScratch& scratch) const noexcept {
    const TransposeAxis& axis = attributes_.positions;
    const std::int64_t total = offset < out_[1] ? (out_[1] - offset - 1) / axis.stride + 1 : 0;
    const std::int64_t rows = std::min<std::int64_t>(kBlockRows, total - start);
    if (rows <= 0) return;
    const std::int64_t row_phase = (row + attributes_.rows.crop) % attributes_.rows.stride;
    const std::int64_t position_phase = (offset + axis.crop) % axis.stride;
    const std::int64_t input_row = (row + attributes_.rows.crop) / attributes_.rows.stride;
    const std::int64_t input_position = (offset + axis.crop) / axis.stride + start;
    const std::int64_t channels = in_[2];
    const std::int64_t position_taps = phase_taps(axis, position_phase);
    GemmTap taps[kMaxTaps];
    std::size_t count = 0;
    for (std::int64_t i = 0; i < phase_taps(attributes_.rows, row_phase); ++i) {
      const std::int64_t r = input_row - i;
      if (r < 0 || r >= in_[0]) continue;
      for (std::int64_t j = 0; j < position_taps; ++j) {
        const std::int64_t position = input_position - j;
        taps[count++] = {x_ + (r * in_[1] + position) * channels, channels, -position,
                         in_[1] - position,
                         static_cast<std::size_t>((i * position_taps + j) * channels)};
      }
    }
    const auto depth = static_cast<std::size_t>(channels);
    if (round_) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto size = static_cast<std::size_t>(rows) * depth;
        taps[i] = round_tap(taps[i], depth, static_cast<std::size_t>(rows),
                            scratch.floats.data() + i * size);
      }
    }
    const std::int64_t position = offset + start * axis.stride;
    GemmOutput output{y_ + (row * out_[1] + position) * out_[2], axis.stride * out_[2], activation_,
                      nullptr, 0};
    if (residual_ != nullptr) {
      output.residual =
          residual_ + row * residual_strides_.row + position * residual_strides_.position;
      output.residual_row_stride = axis.stride * residual_strides_.position;
    }
    const auto phase = static_cast<std::size_t>(row_phase * axis.stride + position_phase);
    gemm_block({taps, count}, depth, static_cast<std::size_t>(rows), panels_of(weights_[phase]),
               scratch.gemm, output);
  }

  static constexpr std::size_t kMaxTaps = 64;

  ConvTransposeAttributes attributes_;
  Shape in_;
  Shape out_;
  const float* x_;
  float* y_;
  const float* residual_ = nullptr;
  BroadcastStrides residual_strides_;
  Activation activation_;
  bool round_;
  std::size_t blocks_ = 0;
  std::vector<PackedMatrix> weights_;
};

}  // namespace

std::unique_ptr<Kernel> make_conv_transpose(const Step& step, const KernelContext& context) {
  return std::make_unique<ConvTransposeKernel>(step, context);
}

}  // namespace metalaudio::nn::cpu
