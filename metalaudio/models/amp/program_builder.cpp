#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/program_builder.h>

#include <algorithm>

namespace metalaudio::models::amp {
namespace {

constexpr std::size_t kMostFloats = std::size_t{1} << 25U;
constexpr std::size_t kOutputBlock = 8;
constexpr std::size_t kLine = 16;        // floats of a cache line
constexpr std::size_t kShortRing = 192;  // a shorter one would start over, and be copied, too often

std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

[[noreturn]] void fail_too_large(std::size_t floats) {
  fail(ErrorCode::invalid_data, "[Amp] the network needs {} MiB or more: at most {}", floats >> 18U,
       kMostFloats >> 18U);
}

}  // namespace

std::uint32_t ProgramBuilder::reserve(std::size_t floats) {
  const std::size_t offset = program_.state_floats;
  program_.state_floats += round_up(floats, kLine);
  if (floats > kMostFloats || program_.state_floats > kMostFloats)
    fail_too_large(program_.state_floats);
  return static_cast<std::uint32_t>(offset);
}

std::uint32_t ProgramBuilder::weights(std::span<const float> values) {
  const std::size_t offset = weights_.size();
  if (values.size() > kMostFloats - offset) fail_too_large(offset + values.size());
  weights_.insert(weights_.end(), values.begin(), values.end());
  weights_.resize(round_up(weights_.size(), kLine));
  return static_cast<std::uint32_t>(offset);
}

Plane ProgramBuilder::plane(std::size_t channels) {
  if (channels == 0 || channels > kMostFloats / kChunkFrames)
    fail(ErrorCode::invalid_data, "[Amp] {} channels", channels);
  return {reserve(channels * kChunkFrames), kChunkFrames, static_cast<std::uint32_t>(channels), 0};
}

Plane ProgramBuilder::ring(std::size_t channels, std::size_t past_frames) {
  if (past_frames == 0) return plane(channels);
  if (past_frames > kMostFloats || channels > kMostFloats) fail_too_large(kMostFloats);
  const std::size_t size = std::max(round_up(past_frames, kLine), kShortRing) + kChunkFrames;
  // An odd number of lines, so that the channels lie in different sets of the cache.
  const std::size_t stride = ((size + kChunkFrames) / kLine | 1U) * kLine;
  if (channels == 0 || channels > kMostFloats / stride) fail_too_large(channels * stride);
  Ring ring;
  ring.offset = reserve(channels * stride);
  ring.stride = static_cast<std::uint32_t>(stride);
  ring.channels = static_cast<std::uint32_t>(channels);
  ring.size = static_cast<std::uint32_t>(size);
  program_.rings.push_back(ring);
  return {ring.offset, ring.stride, ring.channels,
          static_cast<std::uint32_t>(program_.rings.size() - 1)};
}

void ProgramBuilder::complete(const Plane& ring) {
  if (ring.ring != 0) add(Commit{ring.ring});
}

Plane ProgramBuilder::remembered(const Plane& x, std::size_t past_frames) {
  if (past_frames == 0) return x;
  const Plane copy = ring(x.channels, past_frames);
  add(Modulate{x, {}, {}, copy});
  complete(copy);
  return copy;
}

void ProgramBuilder::product(const std::vector<Term>& terms, std::span<const float> bias,
                             const Plane& out, const Plane& residual) {
  Product step;
  step.first_tap = static_cast<std::uint32_t>(program_.taps.size());
  step.out = out;
  step.residual = residual;
  for (const Term& term : terms)
    program_.taps.insert(program_.taps.end(), term.taps.begin(), term.taps.end());
  step.taps = static_cast<std::uint32_t>(program_.taps.size() - step.first_tap);
  std::vector<float> packed;
  for (std::size_t first = 0; first < out.channels; first += kOutputBlock) {
    const std::size_t last = std::min<std::size_t>(first + kOutputBlock, out.channels);
    for (const Term& term : terms) {
      for (std::size_t k = 0; k < term.matrix.columns; ++k)
        for (std::size_t m = first; m < last; ++m) packed.push_back(term.matrix.at(m, k));
    }
  }
  std::vector<float> terms_without_input(out.channels);
  std::ranges::copy(bias, terms_without_input.begin());
  step.weights = weights(packed);
  step.bias = weights(terms_without_input);
  add(step);
}

Plane ProgramBuilder::dense(const Plane& x, const Matrix& matrix, std::span<const float> bias) {
  const Plane out = plane(matrix.rows);
  if (!program_.steps.empty() && matrix.rows == 1) {
    auto* before = std::get_if<Recurrent>(&program_.steps.back());
    if (before != nullptr && !before->dense && before->out.offset == x.offset) {
      std::vector<float> row(before->padded + 1);
      std::ranges::copy(matrix.values, row.begin());
      if (!bias.empty()) row.back() = bias[0];
      before->dense = true;
      before->dense_weights = weights(row);
      before->out = out;
      return out;
    }
  }
  product({{{{x, 0}}, matrix}}, bias, out);
  return out;
}

void ProgramBuilder::convolution(const Plane& x, const ConvWeights& conv, const Plane& out,
                                 const std::vector<Term>& more, const Plane& residual) {
  const std::size_t in = conv.in / conv.groups;
  const std::size_t outputs = conv.out / conv.groups;
  for (std::size_t g = 0; g < conv.groups; ++g) {
    Term term{{}, Matrix(outputs, in * conv.kernel)};
    for (std::size_t k = 0; k < conv.kernel; ++k) {
      const std::size_t delay = conv.dilation * (conv.kernel - 1 - k);
      term.taps.push_back({x.part(g * in, in), static_cast<std::uint32_t>(delay)});
      for (std::size_t m = 0; m < outputs; ++m) {
        for (std::size_t i = 0; i < in; ++i)
          term.matrix.at(m, k * in + i) =
              conv.weights[((g * outputs + m) * in + i) * conv.kernel + k];
      }
    }
    std::vector<Term> terms{std::move(term)};
    terms.insert(terms.end(), more.begin(), more.end());
    std::span<const float> bias = conv.bias;
    if (!bias.empty()) bias = bias.subspan(g * outputs, outputs);
    product(terms, bias, out.part(g * outputs, outputs),
            residual.channels > 0 ? residual.part(g * outputs, outputs) : Plane{});
  }
}

std::vector<float> ProgramBuilder::packed(const RecurrentWeights& from, const Matrix& matrix,
                                          std::size_t rows) const {
  const std::size_t gates = from.gru ? 3 : 4;
  std::vector<float> result;
  for (std::size_t first = 0; first < from.units;) {
    const UnitBlock block = next_block(from.units - first);
    const std::size_t units = std::min(block.units(), from.units - first);
    const std::size_t at = result.size();
    result.resize(at + rows * block.row(gates));
    for (std::size_t g = 0; g < gates; ++g) {
      const float scale = g == 2 ? 1.0F : 0.5F;
      for (std::size_t u = 0; u < units; ++u) {
        const std::size_t place =
            at + (u < block.wide ? g * block.wide + u
                                 : gates * block.wide + g * block.narrow + u - block.wide);
        for (std::size_t k = 0; k < matrix.columns; ++k) {
          result[place + k * block.row(gates)] = scale * matrix.at(g * from.units + first + u, k);
        }
      }
    }
    first += block.units();
  }
  return result;
}

Plane ProgramBuilder::recurrent(const Plane& x, const RecurrentWeights& from) {
  if (from.units == 0 || from.units > 4096 || from.inputs != x.channels)
    fail(ErrorCode::invalid_data, "[Amp] a recurrent layer of {} units and {} inputs after {}",
         from.units, from.inputs, x.channels);
  Recurrent step;
  step.gru = from.gru;
  step.fast = fast_;
  step.x = x;
  const std::size_t padded = round_up(from.units, kUnitPadding);
  step.units = static_cast<std::uint32_t>(from.units);
  step.padded = static_cast<std::uint32_t>(padded);
  step.input_weights = weights(packed(from, from.input, from.inputs));
  step.weights = weights(packed(from, from.hidden, hidden_rows(from.units)));
  Matrix bias(from.bias.size(), 1);
  bias.values = from.bias;
  step.bias = weights(packed(from, bias, 1));
  std::vector<float> reset(padded);
  std::ranges::copy(from.reset, reset.begin());
  step.hidden_bias = weights(reset);
  step.h = reserve(padded);
  step.c = reserve(padded);
  step.frames = reserve(padded * 2);
  if (!from.h.empty()) program_.initial.push_back({step.h, from.h});
  if (!from.c.empty()) program_.initial.push_back({step.c, from.c});
  step.out = plane(from.units);
  program_.recurrent = true;
  add(step);
  return step.out;
}

bool ProgramBuilder::joins_product(const Curve& curve, const Plane& x) const {
  const bool leaky = curve.shape == Shape::leaky_relu && curve.a >= 0.0F && curve.a <= 1.0F;
  if (curve.shape != Shape::relu && !leaky) return false;
  if (program_.steps.empty()) return false;
  const auto* before = std::get_if<Product>(&program_.steps.back());
  return before != nullptr && !before->rectified && before->out.offset == x.offset &&
         before->out.channels == x.channels;
}

void ProgramBuilder::activate(Curve curve, const Plane& x, const Plane& sum, bool first) {
  if (fast_ && curve.shape == Shape::tanh) curve.shape = Shape::fast_tanh;
  if (fast_ && curve.shape == Shape::sigmoid) curve.shape = Shape::fast_sigmoid;
  if (curve.shape == Shape::identity && sum.channels == 0) return;
  if (joins_product(curve, x)) {
    auto& product = std::get<Product>(program_.steps.back());
    product.rectified = true;
    product.slope = curve.shape == Shape::relu ? 0.0F : curve.a;
    product.sum = sum;
    product.first = first;
    return;
  }
  add(Activate{curve, x, sum, first});
}

Program ProgramBuilder::finish(const Plane& in, const Plane& out) {
  program_.in = in;
  program_.weights = Array<float>(std::span<const float>(weights_));
  program_.out = out;
  if (out.ring != 0) {
    program_.out = plane(out.channels);
    add(Modulate{out, {}, {}, program_.out});
  }
  return std::move(program_);
}

}  // namespace metalaudio::models::amp
