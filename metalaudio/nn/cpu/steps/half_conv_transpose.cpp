#include <metalaudio/nn/cpu/half_values.h>
#include <metalaudio/nn/cpu/steps/half_conv.h>
#include <metalaudio/nn/cpu/steps/half_windows.h>

namespace metalaudio::nn::cpu {

namespace {

/// ConvTransposePhasesStep, by windows of bfloat16: input q leads to outputs stride · q - crop and
/// those behind it, which are the columns of one product and go straight to their places.
class HalfConvTransposeStep final : public CpuStep {
 public:
  HalfConvTransposeStep(const ConvParts& parts, const ConvTranspose& conv, Value y,
                        const HalfValues& halves, StepMaker& maker)
      : in_(maker.graph().shape(parts.node->inputs[ConvTranspose::x]), conv.axes.size()),
        out_(maker.graph().shape(y), conv.axes.size()),
        x_(numbers_slot(parts.node->inputs[ConvTranspose::x], halves, maker)),
        y_(numbers_slot(y, halves, maker)),
        residual_(parts.epilogue.residual, y, conv.axes.size(), maker),
        residual_halves_(halves(parts.epilogue.residual)),
        activation_(parts.epilogue.activation),
        along_rows_(conv.axes.size() == 2 && in_whole_phases(conv.axes[0])),
        axis_(along_rows_ ? conv.axes[0] : conv.axes.back()),
        taps_(axis_.kernel / axis_.stride),
        windows_(in_.channels, along_rows_ ? 1 : taps_, 1, 1) {
    first_ = axis_.crop / axis_.stride;
    last_ = (axis_.crop + axis_.extent - 1) / axis_.stride + 1;
    // A vector of columns goes to one row.
    group_ = along_rows_ ? static_cast<std::int64_t>(round_up(size_of(out_.channels), 16))
                         : out_.channels;
    inside_ = along_rows_ ? windows_.inside(in_.positions, 0, in_.positions)
                          : windows_.inside(in_.positions, taps_ - 1, last_);
    // A slot has room for twice as many bfloat16.
    inside_.to_whole_tiles = in_.batch * in_.rows * in_.positions >= windows_.tile_positions();
    pack(*parts.kernel, conv_constants(maker.graph(), *parts.node, parts.epilogue.gain));
  }

  void run(const CpuRun& run) const noexcept override {
    const std::int64_t inputs = last_ - first_;
    const std::int64_t planes = along_rows_ ? out_.batch * inputs : out_.batch * out_.rows;
    const std::size_t size = size_of(along_rows_ ? out_.positions : inputs);
    const std::size_t blocks = blocks_of(size);
    run.workers.parallel_for(
        size_of(planes) * blocks, [&](std::size_t task, ThreadScratch& scratch) {
          const std::size_t start = task % blocks * kBlockRows;
          const std::size_t count = std::min(kBlockRows, size - start);
          const auto plane = static_cast<std::int64_t>(task / blocks);
          const auto at = static_cast<std::int64_t>(start);
          if (along_rows_) {
            block_of_rows(run, plane / inputs, first_ + plane % inputs, at, count, scratch);
          } else {
            const std::int64_t q = first_ + at;
            block_of_positions(run, plane, q, q + static_cast<std::int64_t>(count), scratch);
          }
        });
  }

  std::size_t weight_bytes() const noexcept override { return weights_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    const std::size_t rows = along_rows_ ? size_of(taps_) : 1;
    const std::size_t numbers = rows * windows_.numbers(kBlockRows);
    return {along_rows_ ? 0 : size_of(columns()),
            {rows, kBlockRows, 0, kPairBlockFloats + (numbers + 1) / 2}};
  }

 private:
  std::int64_t columns() const noexcept { return axis_.stride * group_; }

  /// Column [phase][channel], depth [input q - taps + 1 … q][channel].
  void pack(const GemmKernel& kernel, const ConvConstants& constants) {
    const std::size_t channels = size_of(in_.channels);
    const std::size_t depth = along_rows_ ? size_of(taps_) * windows_.depth() : windows_.depth();
    Array<float> matrix(size_of(columns()) * depth);
    Array<float> bias(size_of(columns()));
    for (std::int64_t phase = 0; phase < axis_.stride; ++phase) {
      for (std::int64_t n = 0; n < out_.channels; ++n) {
        const std::size_t column = size_of(phase * group_ + n);
        bias[column] = constants.bias[size_of(n)];
        for (std::int64_t k = 0; k < taps_; ++k) {
          const std::int64_t tap = phase + (taps_ - 1 - k) * axis_.stride;
          const std::size_t place =
              along_rows_ ? size_of(k) * windows_.depth() : windows_.place(size_of(k));
          std::copy_n(constants.weight.data() + size_of(n * axis_.kernel + tap) * channels,
                      channels, matrix.data() + column * depth + place);
        }
      }
    }
    weights_ = PackedMatrix(kernel, matrix, bias, {size_of(columns()), depth, false});
  }

  static PairOperand* operands_of(ThreadScratch& scratch) noexcept {
    return reinterpret_cast<PairOperand*>(scratch.gemm.converted_taps());
  }
  static BFloat16* room_of(ThreadScratch& scratch) noexcept {
    return reinterpret_cast<BFloat16*>(scratch.gemm.floats() + kPairBlockFloats);
  }
  PositionsRow row_of(const CpuRun& run, std::int64_t row) const noexcept {
    return {x_.at(run) + row * in_.row_stride(), in_.positions, in_.channels};
  }
  Windows::Inside in_place() const noexcept { return x_.halves ? inside_ : Windows::Inside{}; }

  /// All rows of outputs that end with input row q, at positions [start, start + count).
  void block_of_rows(const CpuRun& run, std::int64_t batch, std::int64_t q, std::int64_t start,
                     std::size_t count, ThreadScratch& scratch) const noexcept {
    const std::int64_t row = axis_.stride * q - axis_.crop;
    const std::int64_t dropped = std::max<std::int64_t>(0, -row);
    over_windows(
        start, static_cast<std::ptrdiff_t>(count), in_place(),
        [&](std::ptrdiff_t first, std::ptrdiff_t rows, bool inside) {
          PairOperand* const operands = operands_of(scratch);
          PairOperand* end = operands;
          BFloat16* room = room_of(scratch);
          for (std::int64_t k = 0; k < taps_; ++k) {
            const std::int64_t r = q - taps_ + 1 + k;
            if (r < 0 || r >= in_.rows) continue;
            end = append(row_of(run, batch * in_.rows + r), first, size_of(rows), inside,
                         size_of(k) * windows_.depth(), room, end);
          }
          const PairOutput output{
              .base = y_.at(run) + (batch * out_.batch_stride() + row * out_.row_stride() +
                                    first * out_.channels),
              .row_stride = out_.channels,
              .activation = activation_,
              .residual = residual_.numbers_at(run, residual_halves_, batch, row, first),
              .residual_row_stride = out_.channels,
              .groups = {size_of(group_), size_of(out_.channels), out_.row_stride(),
                         size_of(dropped), size_of(std::min(axis_.stride, out_.rows - row))}};
          multiply_halves(weights_, {operands, end}, size_of(rows), scratch.gemm, output);
        });
  }

  PairOperand* append(const PositionsRow& row, std::ptrdiff_t begin, std::size_t rows, bool inside,
                      std::size_t depth, BFloat16*& room, PairOperand* to) const noexcept {
    if (!inside) return windows_.append_staged(row, begin, rows, depth, room, to);
    return windows_.append((row.numbers + begin * row.channels).as<const BFloat16>(), depth, to);
  }

  /// Inputs [q, end) of one row, those apart that lead beyond an end of the outputs.
  void block_of_positions(const CpuRun& run, std::int64_t row, std::int64_t q, std::int64_t end,
                          ThreadScratch& scratch) const noexcept {
    const std::int64_t whole_first = ceil_divide(axis_.crop, axis_.stride);
    const std::int64_t whole_last = (axis_.crop + axis_.extent) / axis_.stride;
    for (; q < std::min(end, whole_first); ++q) partial_position(run, row, q, scratch);
    const std::int64_t last = std::max(q, std::min(end, whole_last));
    over_windows(
        q, last - q, in_place(), [&](std::ptrdiff_t first, std::ptrdiff_t rows, bool inside) {
          const std::int64_t position = axis_.stride * first - axis_.crop;
          multiply(run, row, first, size_of(rows), inside,
                   {.base = y_.at(run) + (row * out_.row_stride() + position * out_.channels),
                    .row_stride = columns(),
                    .activation = activation_,
                    .residual = residual_at(run, row, position),
                    .residual_row_stride = columns()},
                   scratch);
        });
    for (q = last; q < end; ++q) partial_position(run, row, q, scratch);
  }

  Numbers residual_at(const CpuRun& run, std::int64_t row, std::int64_t position) const noexcept {
    return residual_.numbers_at(run, residual_halves_, row / out_.rows, row % out_.rows, position);
  }

  void multiply(const CpuRun& run, std::int64_t row, std::int64_t q, std::size_t rows, bool inside,
                const PairOutput& output, ThreadScratch& scratch) const noexcept {
    PairOperand* const operands = operands_of(scratch);
    BFloat16* room = room_of(scratch);
    const PairOperand* end =
        append(row_of(run, row), q - taps_ + 1, rows, inside, 0, room, operands);
    multiply_halves(weights_, {operands, end}, rows, scratch.gemm, output);
  }

  /// An input at an end, some of whose outputs are cropped.
  void partial_position(const CpuRun& run, std::int64_t row, std::int64_t q,
                        ThreadScratch& scratch) const noexcept {
    const Numbers room{reinterpret_cast<std::byte*>(scratch.floats.data()), false};
    multiply(run, row, q, 1, false,
             {.base = room, .row_stride = columns(), .activation = activation_}, scratch);
    const std::int64_t at = axis_.stride * q - axis_.crop;
    const std::int64_t from = std::max<std::int64_t>(at, 0);
    const std::int64_t to = std::min(at + axis_.stride, out_.positions);
    const Numbers residual = residual_at(run, row, from);
    const Numbers out = y_.at(run) + (row * out_.row_stride() + from * out_.channels);
    const float* values = room.as<const float>() + (from - at) * out_.channels;
    for (std::int64_t i = 0; i < (to - from) * out_.channels; ++i) {
      (out + i).set(values[i] + (residual.present() ? (residual + i).value() : 0.0F));
    }
  }

  Planes in_;
  Planes out_;
  NumbersSlot x_;
  NumbersSlot y_;
  Residual residual_;
  bool residual_halves_;
  Activation activation_;
  bool along_rows_;
  TransposeAxis axis_;
  std::int64_t taps_;  ///< inputs that an output meets
  Windows windows_;
  Windows::Inside inside_;
  std::int64_t group_ = 0;  ///< columns of an output of an input
  std::int64_t first_;      ///< the inputs that lead to outputs, those behind an end included
  std::int64_t last_;
  PackedMatrix weights_;
};

}  // namespace

std::unique_ptr<Step> make_half_conv_transpose(const ConvParts& parts, Value y,
                                               const HalfValues& halves, StepMaker& maker) {
  return std::make_unique<HalfConvTransposeStep>(
      parts, std::get<ConvTranspose>(parts.node->operation), y, halves, maker);
}

}  // namespace metalaudio::nn::cpu
