#include <metalaudio/nn/io/onnx/import_table.h>

#include <cmath>
#include <numbers>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

constexpr double kMostSamples = 1U << 26U;

/// The axis is an attribute in opset 17, an input since 20. Values are real ([…][1]) or complex.
Results dft(Call& c) {
  std::int64_t axis = c.opset() < 20 ? c.attribute("axis", std::int64_t{1}) : -2;
  if (c.has(2)) axis = c.needed_integer(2);
  Dft dft{static_cast<std::int64_t>(axis_in(axis, c.shape(0).rank())),
          c.attribute("inverse", std::int64_t{0}) != 0,
          c.attribute("onesided", std::int64_t{0}) != 0, 0};
  if (c.has(1)) {
    dft.size = c.needed_integer(1);
    if (dft.size < 1) invalid("a length of {}", dft.size);
  }
  return {c.b.apply(dft, {c.in(0)})};
}

/// signal [batch][n] or [batch][n][1 or 2], frame_step, window, frame_length.
Results stft(Call& c) {
  Value signal = c.in(0);
  const Shape shape = c.shape(0);
  if (shape.rank() == 2) signal = c.b.reshape(signal, {shape[0], shape[1], 1});
  Stft stft;
  stft.hop = c.needed_integer(1);
  if (!c.has(2) && !c.has(3)) invalid("neither a window nor a frame length");
  stft.frame = c.has(3) ? c.needed_integer(3) : c.shape(2).size();
  stft.onesided = c.attribute("onesided", std::int64_t{1}) != 0;
  return {c.b.apply(stft, {signal, c.optional(2)})};
}

/// a0 − a1 cos(2πn / N) + a2 cos(4πn / N), N the size, or one less where it is not periodic.
Results window(Call& c, double a0, double a1, double a2) {
  const double size = c.needed_number(0);
  if (!(size >= 0 && size <= kMostSamples)) invalid("a size of {}", size);
  c.b.check_room(size);
  const double period = c.attribute("periodic", std::int64_t{1}) != 0 ? size : size - 1;
  std::vector<double> values;
  for (double n = 0; n < size; ++n) {
    const double angle = period > 0 ? 2 * std::numbers::pi * n / period : 0;
    values.push_back(a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle));
  }
  return {c.b.floats(values, {static_cast<std::int64_t>(size)},
                     c.attribute_type("output_datatype", DataType::f32))};
}

Results hann_window(Call& c) { return window(c, 0.5, 0.5, 0); }
Results hamming_window(Call& c) { return window(c, 25.0 / 46, 21.0 / 46, 0); }
Results blackman_window(Call& c) { return window(c, 0.42, 0.5, 0.08); }

/// Triangles on a mel scale, [dft_length / 2 + 1][num_mel_bins], their corners whole bins.
Results mel_weight_matrix(Call& c) {
  const double mels = c.needed_number(0);
  const double length = c.needed_number(1);
  const double rate = c.needed_number(2);
  if (!(mels >= 1 && length >= 1 && rate >= 1 && mels * length <= kMostSamples)) {
    invalid("{} bins of {} at {} Hz", mels, length, rate);
  }
  c.b.check_room(mels * (length / 2 + 1));
  const auto mel_of = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = mel_of(c.needed_number(3));
  const double step = (mel_of(c.needed_number(4)) - low) / (mels + 2);
  const auto rows = static_cast<std::int64_t>(std::floor(length / 2)) + 1;
  const auto columns = static_cast<std::int64_t>(mels);
  const auto bin = [&](std::int64_t i) {
    const double hertz = 700 * (std::pow(10.0, (static_cast<double>(i) * step + low) / 2595) - 1);
    const double at = std::floor((length + 1) * hertz / rate);
    if (!(std::abs(at) < 1e9)) invalid("a corner at bin {}", at);
    return static_cast<std::int64_t>(at);
  };
  std::vector<double> weights(static_cast<std::size_t>(rows * columns));
  for (std::int64_t m = 0; m < columns; ++m) {
    const auto set = [&](std::int64_t row, double weight) {
      if (row < 0 || row >= rows) invalid("a corner at bin {} of {}", row, rows);
      weights[static_cast<std::size_t>(row * columns + m)] = weight;
    };
    const std::int64_t left = bin(m);
    const std::int64_t centre = bin(m + 1);
    const std::int64_t right = bin(m + 2);
    if (centre == left) set(centre, 1);
    for (std::int64_t j = left; centre > left && j <= centre; ++j) {
      set(j, static_cast<double>(j - left) / static_cast<double>(centre - left));
    }
    for (std::int64_t j = centre; j < right; ++j) {
      set(j, static_cast<double>(right - j) / static_cast<double>(right - centre));
    }
  }
  return {c.b.floats(weights, {rows, columns}, c.attribute_type("output_datatype", DataType::f32))};
}

constexpr ImportEntry kEntries[] = {
    {"BlackmanWindow", blackman_window},    {"DFT", dft},
    {"HammingWindow", hamming_window},      {"HannWindow", hann_window},
    {"MelWeightMatrix", mel_weight_matrix}, {"STFT", stft},
};

}  // namespace

std::span<const ImportEntry> signal_imports() { return kEntries; }

}  // namespace metalaudio::nn
