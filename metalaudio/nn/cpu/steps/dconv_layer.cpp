#include <metalaudio/nn/cpu/dconv_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>
#include <metalaudio/nn/cpu/steps/dconv_layer.h>
#include <metalaudio/nn/cpu/transpose_kernel.h>

#include <cmath>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kWhole = 16;  ///< floats: a line
constexpr std::size_t kTileRows = 32;
constexpr std::size_t kTileDepth = 32;

std::size_t lines(std::size_t floats) { return round_up(floats, kWhole); }
std::ptrdiff_t stride(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

}  // namespace

namespace {

/// Float32 in tiles where it is faster, as for other convolutions.
const GemmKernel& tiles_for(const GemmKernel& kernel, const MatrixSize& size,
                            std::size_t positions) {
  return kernel.name() == "fp32" ? float32_kernel(kernel, size, positions) : kernel;
}

}  // namespace

/// Tiles of the kernel are faster than vectors of float32 where they are those of AMX and hidden
/// channels fill enough of their columns.
DConvLayer::Way DConvLayer::way_for(const GemmKernel& kernel, std::size_t hidden,
                                    std::size_t dilation) {
  const std::size_t parts = amx_parts(kernel);
  if (parts == 1) return Way::halves;
  return !fits_vectors(dilation) || (parts >= 2 && hidden > 16) ? Way::tiles : Way::vectors;
}

DConvLayer::DConvLayer(const GemmKernel& kernel, const DConvParts& parts, const Graph& graph)
    : dilation_(static_cast<std::size_t>(parts.dilation)),
      epsilon1_(parts.epsilon1),
      epsilon2_(parts.epsilon2),
      gamma1_(floats_of(graph, parts.gamma1)),
      beta1_(floats_of(graph, parts.beta1)),
      gamma2_(floats_of(graph, parts.gamma2)),
      beta2_(floats_of(graph, parts.beta2)),
      gain_(floats_of(graph, parts.gain)),
      weight2_(floats_of(graph, parts.weight2)),
      bias2_(floats_of(graph, parts.bias2)) {
  hidden_ = gamma1_.size();
  channels_ = gain_.size();
  const Shape& shape = graph.shape(parts.x);
  const GemmKernel& used = tiles_for(kernel, {hidden_, 3 * channels_},
                                     static_cast<std::size_t>(shape[shape.rank() - 2]));
  way_ = way_for(used, hidden_, dilation_);
  pack(used, floats_of(graph, parts.weight1), floats_of(graph, parts.bias1));
  sum_up_weights();
}

void DConvLayer::pack(const GemmKernel& kernel, const Array<float>& weight1,
                      const Array<float>& bias1) {
  if (way_ == Way::halves) return pack_halves(kernel, weight1, bias1);
  if (way_ == Way::vectors) {
    packed1_ = Array<float>(hidden_conv_floats(hidden_, channels_));
    pack_hidden_conv(weight1.data(), bias1.data(), hidden_, channels_, packed1_.data());
    packed2_ = Array<float>(gate_columns(channels_) * hidden_);
    pack_gate(weight2_.data(), hidden_, channels_, packed2_.data());
    return;
  }
  // Whole tiles of columns, and a depth of whole tiles for each tap, so that taps share their rows.
  const std::size_t columns = round_up(hidden_, kTileDepth);
  const std::size_t depth = round_up(channels_, kTileDepth);
  Array<float> padded(columns * 3 * depth);
  for (std::size_t i = 0; i < 3 * hidden_; ++i) {
    std::copy_n(weight1.begin() + stride(i * channels_), channels_,
                padded.begin() + stride(i * depth));
  }
  Array<float> bias(columns);
  std::copy(bias1.begin(), bias1.end(), bias.begin());
  matrix1_ = PackedMatrix(kernel, padded, bias, {columns, 3 * depth, false});
  matrix2_ = PackedMatrix(kernel, weight2_, {}, {2 * channels_, hidden_, false});
  tile_needs_.gemm = kernel.needs(matrix1_.size(), 3, kBlockRows, channels_);
  tile_needs_.gemm.cover(kernel.needs(matrix2_.size(), 1, kTileRows, hidden_));
}

void DConvLayer::pack_halves(const GemmKernel& kernel, const Array<float>& weight1,
                             const Array<float>& bias1) {
  windows_ = Windows(stride(channels_), 3, 1, stride(dilation_));
  Array<float> placed(hidden_ * windows_.depth());
  for (std::size_t i = 0; i < 3 * hidden_; ++i) {
    std::copy_n(weight1.data() + i * channels_, channels_,
                placed.data() + i / 3 * windows_.depth() + windows_.place(i % 3));
  }
  matrix1_ = PackedMatrix(kernel, placed, bias1, {hidden_, windows_.depth(), false});
  matrix2_ = PackedMatrix(kernel, weight2_, {}, {2 * channels_, hidden_, true});
  const std::size_t numbers =
      std::max(windows_.numbers(kBlockRows), kBlockRows * whole_rows(hidden_) + kTileDepth);
  tile_needs_.gemm = {3, kBlockRows, 0, kPairBlockFloats + (numbers + 1) / 2};
}

/// What the moments of W h + b need of W and b: Wᵀ W, Wᵀ b, and the sums of W's rows, b and b².
void DConvLayer::sum_up_weights() {
  weight_products_.assign(hidden_ * hidden_, 0.0);
  weight_biases_.assign(hidden_, 0.0);
  weight_sums_.assign(hidden_, 0.0);
  for (std::size_t n = 0; n < bias2_.size(); ++n) {
    const float* w = weight2_.data() + n * hidden_;
    const double b = bias2_[n];
    for (std::size_t i = 0; i < hidden_; ++i) {
      for (std::size_t j = 0; j < hidden_; ++j) {
        weight_products_[i * hidden_ + j] += static_cast<double>(w[i]) * w[j];
      }
      weight_biases_[i] += w[i] * b;
      weight_sums_[i] += w[i];
    }
    bias_sum_ += b;
    bias_squares_ += b * b;
  }
}

std::size_t DConvLayer::weight_bytes() const noexcept {
  return matrix1_.bytes() + matrix2_.bytes() +
         (packed1_.size() + packed2_.size() + weight2_.size()) * sizeof(float);
}

std::size_t DConvLayer::columns2() const noexcept {
  return way_ == Way::vectors ? gate_columns(channels_) : 2 * channels_;
}

std::size_t DConvLayer::work_floats() const noexcept {
  return 3 * lines(hidden_) + 2 * lines(columns2());
}

DConvWork DConvLayer::work_at(float* at) const noexcept {
  const auto take = [&at](std::size_t floats) {
    float* taken = at;
    at += lines(floats);
    return taken;
  };
  DConvWork work{};
  work.scale1 = take(hidden_);
  work.shift1 = take(hidden_);
  work.pivot = take(hidden_);
  work.scale2 = take(columns2());
  work.shift2 = take(columns2());
  return work;
}

ScratchNeeds DConvLayer::scratch() const noexcept {
  ScratchNeeds needs = tile_needs_;
  const std::size_t taps = channels_ * whole_rows(kBlockRows + 2 * dilation_);
  const std::size_t rows = kBlockRows * round_up(hidden_, kTileDepth);
  const std::size_t wide = way_ == Way::tiles ? kTileRows * 2 * channels_ : 0;
  needs.floats = std::max({way_ == Way::vectors ? taps : rows + lines(wide),
                           centred_floats(hidden_, kBlockRows), hidden_ * kBlockRows});
  return needs;
}

void DConvLayer::convolve(const PositionsRow& x, std::size_t first, std::size_t count,
                          ThreadScratch& scratch, float* hidden) const noexcept {
  if (way_ == Way::halves) return convolve_halves(x, first, count, scratch, hidden);
  float* room = scratch.floats.data();
  const auto* row = x.numbers.as<const float>();
  const std::ptrdiff_t positions = x.positions;
  if (way_ == Way::vectors) {
    const std::ptrdiff_t start = stride(first) - stride(dilation_);
    const std::size_t taps = whole_rows(kBlockRows + 2 * dilation_);
    transpose({row + start * stride(channels_), stride(channels_), -start, positions - start},
              count + 2 * dilation_, channels_, room, taps);
    const std::size_t left = static_cast<std::size_t>(positions) - first - count;
    convolve_hidden({.x = room,
                     .x_stride = taps,
                     .channels = channels_,
                     .dilation = dilation_,
                     .weights = packed1_.data(),
                     .hidden_channels = hidden_,
                     .next = row + stride((first + count) * channels_),
                     .next_floats = std::min(left, kBlockRows) * channels_},
                    count, hidden, kBlockRows);
    return;
  }
  const std::size_t depth = round_up(channels_, kTileDepth);
  const std::size_t columns = matrix1_.size().columns;
  GemmTap taps[3];
  for (std::size_t k = 0; k < 3; ++k) {
    const std::ptrdiff_t position = stride(first) + (stride(k) - 1) * stride(dilation_);
    taps[k] = {row + position * stride(channels_), stride(channels_), -position,
               positions - position, k * depth};
  }
  const std::size_t whole = round_up(count, kTileRows);
  matrix1_.multiply(taps, channels_, whole, scratch.gemm, {room, stride(columns)});
  transpose({room, stride(columns), 0, stride(count)}, count, hidden_, hidden, kBlockRows);
}

void DConvLayer::convolve_halves(const PositionsRow& x, std::size_t first, std::size_t count,
                                 ThreadScratch& scratch, float* hidden) const noexcept {
  const std::size_t columns = whole_rows(hidden_);
  float* const rows = scratch.floats.data();
  auto* const operands = reinterpret_cast<PairOperand*>(scratch.gemm.converted_taps());
  const std::ptrdiff_t before = stride(dilation_);
  Windows::Inside windows;
  if (x.numbers.halves) windows = windows_.inside(x.positions, before, x.positions);
  // Behind a row there is room for as much again.
  windows.to_whole_tiles = x.positions >= windows_.tile_positions();
  over_windows(stride(first), stride(count), windows,
               [&](std::ptrdiff_t start, std::ptrdiff_t some, bool inside) {
                 auto* room = reinterpret_cast<BFloat16*>(scratch.gemm.floats() + kPairBlockFloats);
                 const std::ptrdiff_t begin = start - before;
                 const std::size_t n = static_cast<std::size_t>(some);
                 const PairOperand* const end =
                     inside ? windows_.append((x.numbers + begin * x.channels).as<const BFloat16>(),
                                              0, operands)
                            : windows_.append_staged(x, begin, n, 0, room, operands);
                 float* const to = rows + (static_cast<std::size_t>(start) - first) * columns;
                 multiply_halves(matrix1_, {operands, end}, n, scratch.gemm,
                                 {.base = numbers(to), .row_stride = stride(columns)});
               });
  transpose({rows, stride(columns), 0, stride(count)}, count, hidden_, hidden, kBlockRows);
}

Moments DConvLayer::moments_of(const float* hidden, std::size_t count) const noexcept {
  return hidden_moments(hidden, kBlockRows, hidden_, count);
}

void DConvLayer::fold_first(const Moments& moments, const float* hidden, std::size_t count,
                            ThreadScratch& scratch, const DConvWork& work) const noexcept {
  const double inverse = moments.inverse_deviation(epsilon1_);
  for (std::size_t c = 0; c < hidden_; ++c) {
    work.scale1[c] = static_cast<float>(gamma1_[c] * inverse);
    work.shift1[c] = static_cast<float>(beta1_[c] - moments.mean * gamma1_[c] * inverse);
  }
  float* block = scratch.floats.data();
  std::copy_n(hidden, hidden_ * kBlockRows, block);
  activate_hidden(block, kBlockRows, hidden_, count, work.scale1, work.shift1);
  for (std::size_t c = 0; c < hidden_; ++c) {
    const float* values = block + c * kBlockRows;
    float sum = 0;
    for (std::size_t p = 0; p < count; ++p) sum += values[p];
    work.pivot[c] = sum / static_cast<float>(count);
  }
}

void DConvLayer::activate(float* hidden, std::size_t count, const DConvWork& work,
                          ThreadScratch& scratch, double* sums) const noexcept {
  activate_hidden(hidden, kBlockRows, hidden_, count, work.scale1, work.shift1);
  add_products(hidden, kBlockRows, hidden_, count, work.pivot, scratch.floats.data(), sums,
               sums + hidden_);
}

/// Of the second convolution's result.
Moments DConvLayer::moments_of_result(const double* sums, std::size_t positions,
                                      const float* pivot) const noexcept {
  const double* products = sums + hidden_;
  const auto count = static_cast<double>(positions);
  const auto columns = static_cast<double>(bias2_.size());
  double within = 0;
  double total = bias_sum_;
  double around = bias_squares_;
  for (std::size_t i = 0; i < hidden_; ++i) {
    const double mean = pivot[i] + sums[i] / count;
    total += weight_sums_[i] * mean;
    around += 2 * weight_biases_[i] * mean;
    for (std::size_t j = i; j < hidden_; ++j) {
      const double weight = weight_products_[i * hidden_ + j] * (j == i ? 1 : 2);
      within += weight * (products[i * hidden_ + j] - sums[i] * sums[j] / count);
      around += weight * mean * (pivot[j] + sums[j] / count);
    }
  }
  const double mean = total / columns;
  const double squares = within + count * (around - columns * mean * mean);
  return {columns * count, mean, std::max(0.0, squares)};
}

void DConvLayer::fold_second(const double* sums, std::size_t positions,
                             const DConvWork& work) const noexcept {
  const Moments moments = moments_of_result(sums, positions, work.pivot);
  const double inverse = moments.inverse_deviation(epsilon2_);
  for (std::size_t n = 0; n < bias2_.size(); ++n) {
    const double gain = n < channels_ ? gain_[n] : way_ == Way::halves ? 1.0 : kGateFactor;
    const double scale = gamma2_[n] * inverse * gain;
    const std::size_t place = way_ == Way::vectors ? gate_place(n, channels_) : n;
    work.scale2[place] = static_cast<float>(scale);
    work.shift2[place] = static_cast<float>((bias2_[n] - moments.mean) * scale + beta2_[n] * gain);
  }
}

void DConvLayer::finish(const float* hidden, std::size_t count, const DConvWork& work,
                        ThreadScratch& scratch, Numbers x, Numbers y) const noexcept {
  if (way_ == Way::halves) return finish_halves(hidden, count, work, scratch, x, y);
  if (way_ == Way::vectors) {
    gate_hidden({.hidden = hidden,
                 .stride = kBlockRows,
                 .hidden_channels = hidden_,
                 .weights = packed2_.data(),
                 .scale = work.scale2,
                 .shift = work.shift2,
                 .x = x.as<const float>(),
                 .y = y.as<float>(),
                 .channels = channels_,
                 .ahead = kBlockRows * channels_,
                 .y_ahead = x.at == y.at ? 0 : kBlockRows * channels_},
                count);
    return;
  }
  const std::size_t columns = whole_rows(hidden_);
  float* rows = scratch.floats.data();
  float* wide = rows + kBlockRows * round_up(hidden_, kTileDepth);
  transpose({hidden, stride(kBlockRows), 0, stride(hidden_)}, hidden_, count, rows, columns);
  for (std::size_t p = 0; p < count; p += kTileRows) {
    const std::size_t some = std::min(kTileRows, count - p);
    const GemmTap tap{rows + p * columns, stride(columns), 0, stride(some), 0};
    matrix2_.multiply({&tap, 1}, hidden_, kTileRows, scratch.gemm, {wide, stride(2 * channels_)});
    gate_products({wide, work.scale2, work.shift2, x.as<const float>() + p * channels_,
                   y.as<float>() + p * channels_, channels_},
                  some);
  }
}

void DConvLayer::finish_halves(const float* hidden, std::size_t count, const DConvWork& work,
                               ThreadScratch& scratch, Numbers x, Numbers y) const noexcept {
  // What a tile reads beyond a row is the next one's and meets zeros.
  const std::size_t columns = whole_rows(hidden_);
  float* const rows = scratch.floats.data();
  auto* const halves = reinterpret_cast<BFloat16*>(scratch.gemm.floats() + kPairBlockFloats);
  transpose({hidden, stride(kBlockRows), 0, stride(hidden_)}, hidden_, count, rows, columns);
  convert_to_parts(1, rows, count * columns, halves, 0);
  std::fill_n(halves + count * columns, kTileDepth, BFloat16(0.0F));
  const PairOperand operand{halves, columns, round_up(columns, kTileDepth) / kTileDepth, 0};
  multiply_halves(matrix2_, {&operand, 1}, count, scratch.gemm,
                  {.base = y,
                   .row_stride = stride(channels_),
                   .activation = Activation::glu,
                   .residual = x,
                   .residual_row_stride = stride(channels_),
                   .scale = work.scale2,
                   .shift = work.shift2});
}

}  // namespace metalaudio::nn::cpu
