#include <metalaudio/nn/cpu/gemm/pair_conversion.h>
#include <metalaudio/nn/cpu/half_values.h>
#include <metalaudio/nn/cpu/steps/half_conv.h>
#include <metalaudio/nn/cpu/steps/half_windows.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// Half of what the second cache holds, and the rows that go through such weights together.
constexpr std::size_t kLargeWeights = 1 << 20;
constexpr std::size_t kLargeBlock = 4 * kBlockRows;

class HalfConvStep final : public HalfConv {
 public:
  HalfConvStep(const ConvParts& parts, Value result, ConvUse use, NumbersSlot y,
               const HalfValues& halves, StepMaker& maker)
      : HalfConvStep(parts, std::get<Conv>(parts.node->operation), result, use, y, halves, maker) {}

  void run(const CpuRun& run) const noexcept override {
    round(run);
    const auto planes = static_cast<std::size_t>(out_.batch * out_.rows);
    const auto positions = size_of(out_.positions);
    const std::size_t block = block_rows(planes, run.workers.threads());
    const std::size_t blocks = blocks_of(positions, block);
    run.workers.parallel_for(planes * blocks, [&](std::size_t task, ThreadScratch& scratch) {
      const std::size_t first = task % blocks * block;
      run_block(run, task / blocks, first, std::min(block, positions - first),
                row_of(run, task / blocks), scratch);
    });
  }

  void run_row(const CpuRun& run, std::size_t row, Numbers to,
               ThreadScratch& scratch) const noexcept override {
    const auto positions = size_of(out_.positions);
    for (std::size_t first = 0; first < positions; first += kBlockRows)
      run_block(run, row, first, std::min(kBlockRows, positions - first), to, scratch);
  }

  void run_positions(const CpuRun& run, std::size_t row, std::size_t first, std::size_t count,
                     const BFloat16* x, ThreadScratch& scratch) const noexcept override {
    PairOperand* const operands = operands_of(scratch);
    multiply(run, row, static_cast<std::ptrdiff_t>(first), count, operands,
             windows_.append(x, 0, operands), row_of(run, row), scratch);
  }

  std::size_t weight_bytes() const noexcept override { return weights_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    const std::size_t taps = size_of(rows_axis_.kernel) * windows_.runs();
    const std::size_t numbers = side_by_side_
                                    ? 3 * kBlockRows * depth() + kPairTileDepth
                                    : size_of(rows_axis_.kernel) * windows_.numbers(kBlockRows);
    return {0, {taps, kBlockRows, 0, kPairBlockFloats + (numbers + 1) / 2}};
  }

 private:
  HalfConvStep(const ConvParts& parts, const Conv& conv, Value result, ConvUse use, NumbersSlot y,
               const HalfValues& halves, StepMaker& maker)
      : in_(maker.graph().shape(parts.node->inputs[Conv::x]), conv.axes.size()),
        float_in_(in_),
        out_(maker.graph().shape(result), conv.axes.size()),
        y_(y),
        residual_(parts.epilogue.residual, result, conv.axes.size(), maker),
        residual_halves_(halves(parts.epilogue.residual)),
        activation_(parts.epilogue.activation) {
    if (use != ConvUse::by_positions) {
      x_ = numbers_slot(parts.node->inputs[Conv::x], halves, maker);
    }
    if (conv.axes.size() == 2) rows_axis_ = conv.axes[0];
    positions_axis_ = conv.axes.back();
    const SlidingAxis& axis = positions_axis_;
    windows_ = Windows(in_.channels, axis.kernel, axis.stride, axis.dilation);
    // Windows of a few numbers of many rows would leave most of their tiles empty.
    side_by_side_ = rows_axis_.kernel > 1 && axis.dilation == 1 && use != ConvUse::by_positions &&
                    4 * size_of(axis.kernel * in_.channels) <= kPairTileDepth;
    pack(*parts.kernel, conv_constants(maker.graph(), *parts.node, parts.epilogue.gain));
    if (rows_axis_.kernel * axis.kernel == 1 && use == ConvUse::whole && rows_axis_.stride == 1 &&
        axis.stride == 1 && in_.rows == out_.rows && in_.positions == out_.positions &&
        residual_.whole()) {
      for (Planes* planes : {&in_, &out_}) {
        planes->positions *= planes->rows * planes->batch;
        planes->rows = planes->batch = 1;
      }
    }
    inside_ = windows_.inside(in_.positions, axis.before, out_.positions);
    // A slot has room for twice as many bfloat16.
    inside_.to_whole_tiles = in_.batch * in_.rows * in_.positions >= windows_.tile_positions();
    const bool again = rows_axis_.kernel > 1 || weights_.bytes() > kLargeWeights;
    if (use == ConvUse::whole && !x_.halves && !side_by_side_ && again) round_before(maker);
  }

  /// What several products of windows would round, each for itself, is rounded once before them, with
  /// the zeros around it.
  void round_before(StepMaker& maker) {
    const SlidingAxis& axis = positions_axis_;
    float_x_ = x_.slot;
    float_in_ = in_;
    lead_ = axis.before;
    in_.positions =
        std::max(in_.positions, (out_.positions - 1) * axis.stride +
                                    (axis.kernel - 1) * axis.dilation + 1 - axis.before) +
        lead_;
    inside_ = windows_.inside(in_.positions, 0, out_.positions);
    inside_.to_whole_tiles = true;
    const std::int64_t numbers =
        in_.batch * in_.batch_stride() + windows_.tile_positions() * in_.channels;
    x_ = {maker.temporary(size_of(numbers) * sizeof(BFloat16)), true};
  }

  void round(const CpuRun& run) const noexcept {
    if (float_x_.index < 0) return;
    run.workers.parallel_for(size_of(in_.batch * in_.rows), [&](std::size_t index, ThreadScratch&) {
      const auto row = static_cast<std::ptrdiff_t>(index);
      const Numbers from =
          Numbers{run.at<std::byte>(float_x_), false} + row * float_in_.row_stride();
      stage({from, float_in_.positions, in_.channels}, -lead_, in_.positions,
            run.at<BFloat16>(x_.slot) + row * in_.row_stride());
    });
  }

  /// Large weights come from beyond the second cache for every block of rows, so that these are few.
  std::size_t block_rows(std::size_t planes, std::size_t threads) const noexcept {
    const std::size_t rows = size_of(out_.positions);
    std::size_t block = rows_of_task(rows, planes, kPairRows, threads);
    if (weights_.bytes() <= kLargeWeights || !x_.halves) return block;
    while (block < kLargeBlock && planes * blocks_of(rows, 2 * block) >= 4 * threads) block *= 2;
    return block;
  }

  std::size_t depth() const noexcept {
    const std::size_t rows = size_of(rows_axis_.kernel);
    return side_by_side_ ? round_up(rows * window(), kPairTileDepth) : rows * windows_.depth();
  }
  /// Numbers of a window.
  std::size_t window() const noexcept { return size_of(positions_axis_.kernel * in_.channels); }

  /// [column][row tap][tap][channel], each row tap and tap at its place.
  void pack(const GemmKernel& kernel, const ConvConstants& constants) {
    const std::size_t columns = constants.bias.size();
    const std::size_t channels = size_of(in_.channels);
    const std::size_t row_taps = size_of(rows_axis_.kernel);
    const std::size_t taps = size_of(positions_axis_.kernel);
    Array<float> matrix(columns * depth());
    const float* from = constants.weight.data();
    for (std::size_t n = 0; n < columns; ++n) {
      for (std::size_t r = 0; r < row_taps; ++r) {
        for (std::size_t t = 0; t < taps; ++t, from += channels) {
          const std::size_t place = side_by_side_ ? r * window() + t * channels
                                                  : r * windows_.depth() + windows_.place(t);
          std::copy_n(from, channels, matrix.data() + n * depth() + place);
        }
      }
    }
    weights_ = PackedMatrix(kernel, matrix, constants.bias,
                            {columns, depth(), activation_ == Activation::glu});
  }

  Numbers row_of(const CpuRun& run, std::size_t row) const noexcept {
    return y_.at(run) + static_cast<std::ptrdiff_t>(row) * out_.row_stride();
  }
  static PairOperand* operands_of(ThreadScratch& scratch) noexcept {
    return reinterpret_cast<PairOperand*>(scratch.gemm.converted_taps());
  }
  static BFloat16* room_of(ThreadScratch& scratch) noexcept {
    return reinterpret_cast<BFloat16*>(scratch.gemm.floats() + kPairBlockFloats);
  }

  /// A block of a row, whose first position's row of the result begins at `to`.
  void run_block(const CpuRun& run, std::size_t row, std::size_t first, std::size_t count,
                 Numbers to, ThreadScratch& scratch) const noexcept {
    if (side_by_side_) return run_side_by_side(run, row, first, count, to, scratch);
    const Windows::Inside inside = x_.halves ? inside_ : Windows::Inside{};
    over_windows(static_cast<std::ptrdiff_t>(first), static_cast<std::ptrdiff_t>(count), inside,
                 [&](std::ptrdiff_t start, std::ptrdiff_t rows, bool in_place) {
                   run_windows(run, row, start, size_of(rows), in_place, to, scratch);
                 });
  }

  /// The row that a row tap reads; of none, no numbers.
  PositionsRow tap_row(const CpuRun& run, std::size_t row, std::int64_t tap) const noexcept {
    const auto plane = static_cast<std::int64_t>(row);
    const std::int64_t r =
        plane % out_.rows * rows_axis_.stride - rows_axis_.before + tap * rows_axis_.dilation;
    if (r < 0 || r >= in_.rows) return {{}, 0, in_.channels};
    return {x_.at(run) + (plane / out_.rows * in_.batch_stride() + r * in_.row_stride()),
            in_.positions, in_.channels};
  }

  void run_windows(const CpuRun& run, std::size_t row, std::ptrdiff_t first, std::size_t rows,
                   bool in_place, Numbers to, ThreadScratch& scratch) const noexcept {
    PairOperand* const operands = operands_of(scratch);
    PairOperand* end = operands;
    BFloat16* room = room_of(scratch);
    const std::ptrdiff_t begin = first * positions_axis_.stride - positions_axis_.before + lead_;
    for (std::int64_t tap = 0; tap < rows_axis_.kernel; ++tap) {
      const PositionsRow from = tap_row(run, row, tap);
      if (!from.numbers.present()) continue;
      const std::size_t depth = size_of(tap) * windows_.depth();
      if (in_place) {
        const Numbers at = from.numbers + begin * in_.channels;
        end = windows_.append(at.as<const BFloat16>(), depth, end);
      } else {
        end = windows_.append_staged(from, begin, rows, depth, room, end);
      }
    }
    multiply(run, row, first, rows, operands, end, to, scratch);
  }

  /// All windows of a position one after the other, which are staged as float32 or bfloat16 first.
  void run_side_by_side(const CpuRun& run, std::size_t row, std::size_t first, std::size_t count,
                        Numbers to, ThreadScratch& scratch) const noexcept {
    BFloat16* const rows = room_of(scratch);
    x_.halves ? gather<BFloat16>(run, row, first, count, rows)
              : gather<float>(run, row, first, count, rows);
    PairOperand* const operands = operands_of(scratch);
    *operands = {rows, depth(), depth() / kPairTileDepth, 0};
    multiply(run, row, static_cast<std::ptrdiff_t>(first), count, operands, operands + 1, to,
             scratch);
  }

  template <typename Number>
  void gather(const CpuRun& run, std::size_t row, std::size_t first, std::size_t count,
              BFloat16* to) const noexcept {
    constexpr bool kFloats = sizeof(Number) == sizeof(float);
    auto* const rows = reinterpret_cast<Number*>(kFloats ? to + kBlockRows * depth() : to);
    std::memset(static_cast<void*>(rows), 0, count * depth() * sizeof(Number));
    for (std::int64_t tap = 0; tap < rows_axis_.kernel; ++tap) {
      const PositionsRow from = tap_row(run, row, tap);
      if (from.numbers.present()) {
        gather_tap(from, static_cast<std::ptrdiff_t>(first), count, rows + size_of(tap) * window());
      }
    }
    if constexpr (kFloats) convert_to_parts(1, rows, count * depth(), to, 0);
  }

  template <typename Number>
  void gather_tap(const PositionsRow& from, std::ptrdiff_t first, std::size_t count,
                  Number* to) const noexcept {
    const SlidingAxis& axis = positions_axis_;
    const auto* numbers = from.numbers.as<const Number>();
    for (std::size_t i = 0; i < count; ++i, to += depth()) {
      const std::ptrdiff_t begin =
          (first + static_cast<std::ptrdiff_t>(i)) * axis.stride - axis.before;
      const std::ptrdiff_t start = std::max<std::ptrdiff_t>(begin, 0);
      const std::ptrdiff_t end = std::min<std::ptrdiff_t>(begin + axis.kernel, from.positions);
      if (window() == 4 && end - start == axis.kernel) {  // a copy of one instruction
        std::memcpy(static_cast<void*>(to), numbers + start * from.channels, 4 * sizeof(Number));
      } else if (end > start) {
        std::memcpy(static_cast<void*>(to + (start - begin) * from.channels),
                    numbers + start * from.channels,
                    size_of((end - start) * from.channels) * sizeof(Number));
      }
    }
  }

  void multiply(const CpuRun& run, std::size_t row, std::ptrdiff_t first, std::size_t rows,
                const PairOperand* operands, const PairOperand* end, Numbers to,
                ThreadScratch& scratch) const noexcept {
    const auto plane = static_cast<std::int64_t>(row);
    const PairOutput output{.base = to + first * out_.channels,
                            .row_stride = out_.channels,
                            .activation = activation_,
                            .residual = residual_.numbers_at(
                                run, residual_halves_, plane / out_.rows, plane % out_.rows, first),
                            .residual_row_stride = residual_.step()};
    multiply_halves(weights_, {operands, end}, rows, scratch.gemm, output);
  }

  Planes in_;
  Planes float_in_;  ///< of what is rounded first
  Planes out_;       ///< of what leaves the step
  SlidingAxis rows_axis_;
  SlidingAxis positions_axis_;
  NumbersSlot x_;          ///< as products read it
  Slot float_x_;           ///< what is rounded to there, or none
  std::int64_t lead_ = 0;  ///< zeros before a row
  NumbersSlot y_;
  Residual residual_;
  bool residual_halves_;
  Activation activation_;
  Windows windows_;
  Windows::Inside inside_;
  bool side_by_side_ = false;
  PackedMatrix weights_;
};

}  // namespace

NumbersSlot numbers_slot(Value value, const HalfValues& halves, StepMaker& maker) {
  return {maker.slot(value), halves(value)};
}

bool takes_halves(const ConvParts& parts, Value y, const Graph& graph) {
  if (amx_parts(*parts.kernel) != 1) return false;
  if (const auto* conv = std::get_if<Conv>(&parts.node->operation)) {
    return conv->groups == 1 && !conv->axes.empty() && conv->axes.size() <= 2;
  }
  return has_whole_phases(std::get<ConvTranspose>(parts.node->operation), *parts.node,
                          parts.epilogue, y, graph);
}

std::unique_ptr<HalfConv> make_half_conv(const ConvParts& parts, Value result, ConvUse use,
                                         NumbersSlot y, const HalfValues& halves,
                                         StepMaker& maker) {
  return std::make_unique<HalfConvStep>(parts, result, use, y, halves, maker);
}

}  // namespace metalaudio::nn::cpu
