#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/program_builder.h>
#include <metalaudio/models/amp/rtneural.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>

namespace metalaudio::models::amp {
namespace {

constexpr std::size_t kMostWidth = 4096;
constexpr std::size_t kMostKernel = 4096;
constexpr std::size_t kMostDilation = std::size_t{1} << 22U;

/// Values per frame: the last extent, or the last two of an image.
std::size_t width_of(const Json& shape, const std::string& what) {
  if (!shape.is_array() || shape.empty())
    fail(ErrorCode::invalid_data, "[Amp] {}: expected a list", what);
  std::size_t width = checked_count(shape.back(), what, 1, kMostWidth);
  if (shape.size() == 4) width *= checked_count(shape[2], what, 1, kMostWidth);
  if (width > kMostWidth) fail(ErrorCode::invalid_data, "[Amp] {}: {} values", what, width);
  return width;
}

/// Writes layer after layer over a signal.
class KerasWriter {
 public:
  KerasWriter(ProgramBuilder& builder, const Plane& in) : builder_(builder), x_(in) {}

  void write(const Json& layer) {
    const std::string type = text_of(layer, "type");
    const std::size_t width = width_of(member(layer, "shape"), "shape");
    const Json* stored = find_member(layer, "weights");
    weights_ = stored != nullptr ? *stored : Json::array();
    if (!weights_.is_array()) fail(ErrorCode::invalid_data, "[Amp] {}: weights", type);
    if (type == "dense" || type == "time-distributed-dense") {
      dense(width);
    } else if (type == "conv1d") {
      conv1d(layer, width);
    } else if (type == "conv2d") {
      conv2d(layer);
    } else if (type == "gru") {
      gru(width);
    } else if (type == "lstm") {
      lstm(width);
    } else if (type == "prelu") {
      prelu();
    } else if (type == "batchnorm") {
      batch_norm(layer, x_.channels);
    } else if (type == "batchnorm2d") {
      batch_norm(layer, checked_count(member(layer, "shape").back(), "shape", 1, kMostWidth));
    } else if (type != "activation") {
      fail(ErrorCode::unsupported, "[Amp] a layer of type {} is not supported", type);
    }
    if (x_.channels != width)
      fail(ErrorCode::invalid_data, "[Amp] {}: {} values, its shape says {}", type, x_.channels,
           width);
    if (type == "gru" || type == "lstm") {
      require_word(layer, "activation", {"", "tanh"});
      require_word(layer, "recurrent_activation", {"", "sigmoid"});
    } else {
      activation(layer, type == "activation");
    }
  }

  const Plane& result() const { return x_; }

 private:
  const Json& weight(std::size_t index) const {
    if (index >= weights_.size())
      fail(ErrorCode::invalid_data, "[Amp] a layer with {} lists of weights: expected {} or more",
           weights_.size(), index + 1);
    return weights_[index];
  }

  std::vector<float> values(std::size_t index, std::size_t count) const {
    std::vector<float> list = floats_of(weight(index), "weights");
    if (list.size() != count)
      fail(ErrorCode::invalid_data, "[Amp] {} weights: expected {}", list.size(), count);
    return list;
  }

  std::vector<float> optional_values(std::size_t index, std::size_t count) const {
    return index < weights_.size() ? values(index, count) : std::vector<float>{};
  }

  /// What changes the sound is read or refused, never passed over.
  static void require_word(const Json& layer, const char* key,
                           std::initializer_list<std::string_view> words) {
    if (find_member(layer, key) == nullptr) return;
    const std::string word = text_of(layer, key);
    if (std::ranges::find(words, word) == words.end())
      fail(ErrorCode::unsupported, "[Amp] {}: {} {} is not supported", text_of(layer, "type"), key,
           word);
  }

  void activation(const Json& layer, bool required) {
    const Json* name = find_member(layer, "activation");
    const std::string text = name == nullptr ? "" : text_of(layer, "activation");
    if (text.empty() || text == "linear") {
      if (required) fail(ErrorCode::invalid_data, "[Amp] an activation layer without activation");
      return;
    }
    if (text == "softmax") {
      builder_.add(Softmax{x_});
    } else if (text == "tanh") {
      builder_.activate({Shape::tanh}, x_);
    } else if (text == "relu") {
      builder_.activate({Shape::relu}, x_);
    } else if (text == "sigmoid") {
      builder_.activate({Shape::sigmoid}, x_);
    } else if (text == "elu") {
      builder_.activate({Shape::elu, 1.0F}, x_);
    } else {
      fail(ErrorCode::unsupported, "[Amp] activation {} is not supported", text);
    }
  }

  void dense(std::size_t width) {
    const Matrix stored = matrix_of(weight(0), "weights", x_.channels, width);
    Matrix matrix(width, x_.channels);
    for (std::size_t m = 0; m < width; ++m) {
      for (std::size_t i = 0; i < x_.channels; ++i) matrix.at(m, i) = stored.at(i, m);
    }
    x_ = builder_.dense(x_, matrix, optional_values(1, width));
  }

  void conv1d(const Json& layer, std::size_t width) {
    ConvWeights conv;
    conv.in = x_.channels;
    conv.out = width;
    conv.kernel = checked_count(first_of(layer, "kernel_size"), "kernel_size", 1, kMostKernel);
    conv.dilation = checked_count(first_of(layer, "dilation"), "dilation", 1, kMostDilation);
    conv.groups = count_of(layer, "groups", 1, kMostWidth, 1);
    if (const Json* strides = find_member(layer, "strides");
        strides != nullptr &&
        checked_count(first_of(layer, "strides"), "strides", 1, kMostKernel) != 1)
      fail(ErrorCode::unsupported, "[Amp] conv1d with strides changes the rate");
    require_word(layer, "padding", {"causal", "valid"});
    if (conv.in % conv.groups != 0 || conv.out % conv.groups != 0)
      fail(ErrorCode::invalid_data, "[Amp] {} groups of {} to {}", conv.groups, conv.in, conv.out);
    const std::size_t in = conv.in / conv.groups;
    const std::vector<float> stored = values(0, conv.kernel * in * conv.out);
    conv.weights.resize(stored.size());
    for (std::size_t k = 0; k < conv.kernel; ++k) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t m = 0; m < conv.out; ++m)
          conv.weights[(m * in + i) * conv.kernel + k] = stored[(k * in + i) * conv.out + m];
      }
    }
    conv.bias = optional_values(1, conv.out);
    const Plane y = builder_.plane(conv.out);
    builder_.convolution(builder_.remembered(x_, conv.past_frames()), conv, y);
    builder_.need_past(conv.past_frames());
    x_ = y;
  }

  static const Json& first_of(const Json& layer, const char* key) {
    const Json& value = member(layer, key);
    return value.is_array() && !value.empty() ? value.front() : value;
  }

  /// Features lie beside one another, each with all its filters; one product per feature.
  void conv2d(const Json& layer) {
    const std::size_t filters_in = count_of(layer, "num_filters_in", 1, kMostWidth);
    const std::size_t filters = count_of(layer, "num_filters_out", 1, kMostWidth);
    const std::size_t features_in = count_of(layer, "num_features_in", 1, kMostWidth);
    const std::size_t kt = count_of(layer, "kernel_size_time", 1, kMostKernel);
    const std::size_t kf = count_of(layer, "kernel_size_feature", 1, kMostKernel);
    const std::size_t dilation = count_of(layer, "dilation", 1, kMostDilation);
    const std::size_t stride = count_of(layer, "strides", 1, kMostWidth);
    require_word(layer, "padding", {"same", "valid"});
    const bool same = text_of(layer, "padding") == "same";
    if (filters_in * features_in != x_.channels || (!same && kf > features_in))
      fail(ErrorCode::invalid_data, "[Amp] conv2d of {} x {} over {} values", features_in,
           filters_in, x_.channels);
    const std::size_t features =
        same ? (features_in + stride - 1) / stride : (features_in - kf) / stride + 1;
    const std::size_t reach = (features - 1) * stride + kf;
    const std::size_t padding = reach > features_in ? (reach - features_in) / 2 : 0;
    const std::vector<float> stored = values(0, kt * kf * filters_in * filters);
    const std::vector<float> bias = optional_values(1, filters);
    const Plane past = builder_.remembered(x_, (kt - 1) * dilation);
    if (features * filters > kMostWidth)
      fail(ErrorCode::invalid_data, "[Amp] conv2d: {} values", features * filters);
    const Plane y = builder_.plane(features * filters);
    for (std::size_t f = 0; f < features; ++f) {
      const std::size_t start = f * stride;
      const std::size_t first = start < padding ? padding - start : 0;  // of the kernel
      const std::size_t last =
          std::min(kf, features_in + padding - std::min(start, features_in + padding));
      Term term{{}, Matrix(filters, first < last ? kt * (last - first) * filters_in : 0)};
      for (std::size_t k = 0; k < kt && first < last; ++k) {
        const std::size_t delay = dilation * (kt - 1 - k);
        const Plane part =
            past.part((start + first - padding) * filters_in, (last - first) * filters_in);
        term.taps.push_back({part, static_cast<std::uint32_t>(delay)});
        for (std::size_t j = 0; j < part.channels; ++j) {
          const std::size_t at = ((k * kf + first) * filters_in + j) * filters;
          for (std::size_t m = 0; m < filters; ++m)
            term.matrix.at(m, k * part.channels + j) = stored[at + m];
        }
      }
      builder_.product({term}, bias, y.part(f * filters, filters));
    }
    builder_.need_past((kt - 1) * dilation);
    x_ = y;
  }

  /// W[inputs][gates · units] or U[units][gates · units], with our order of gates.
  Matrix gates(std::size_t index, std::size_t inputs, std::size_t units,
               std::initializer_list<std::size_t> order) const {
    const Matrix stored = matrix_of(weight(index), "weights", inputs, order.size() * units);
    Matrix matrix(order.size() * units, inputs);
    std::size_t g = 0;
    for (const std::size_t from : order) {
      for (std::size_t u = 0; u < units; ++u) {
        for (std::size_t i = 0; i < inputs; ++i)
          matrix.at(g * units + u, i) = stored.at(i, from * units + u);
      }
      ++g;
    }
    return matrix;
  }

  void lstm(std::size_t units) {
    RecurrentWeights weights;
    weights.inputs = x_.channels;
    weights.units = units;
    weights.input = gates(0, x_.channels, units, {0, 1, 2, 3});
    weights.hidden = gates(1, units, units, {0, 1, 2, 3});
    weights.bias = values(2, 4 * units);
    x_ = builder_.recurrent(x_, weights);
  }

  /// Keras's gates are z, r, n; the layer resets after the product.
  void gru(std::size_t units) {
    RecurrentWeights weights;
    weights.gru = true;
    weights.inputs = x_.channels;
    weights.units = units;
    weights.input = gates(0, x_.channels, units, {1, 0, 2});
    weights.hidden = gates(1, units, units, {1, 0, 2});
    if (extents_of(weight(2), "biases").size() == 1)
      fail(ErrorCode::unsupported,
           "[Amp] gru: one row of biases, as of reset_after=False, is not supported");
    const Matrix bias = matrix_of(weight(2), "biases", 2, 3 * units);
    for (const std::size_t g : {1U, 0U, 2U}) {
      for (std::size_t u = 0; u < units; ++u)
        weights.bias.push_back(bias.at(0, g * units + u) +
                               (g == 2 ? 0.0F : bias.at(1, g * units + u)));
    }
    for (std::size_t u = 0; u < units; ++u) weights.reset.push_back(bias.at(1, 2 * units + u));
    x_ = builder_.recurrent(x_, weights);
  }

  void prelu() {
    std::vector<float> slopes = floats_of(weight(0), "weights");
    if (slopes.size() == 1) slopes.resize(x_.channels, slopes[0]);
    if (slopes.size() != x_.channels)
      fail(ErrorCode::invalid_data, "[Amp] prelu: {} slopes for {} values", slopes.size(),
           x_.channels);
    Curve curve{Shape::prelu};
    curve.slopes = builder_.weights(slopes);
    builder_.activate(curve, x_);
  }

  /// [gain, bias, mean, variance] or [mean, variance], each of `count` that repeat.
  void batch_norm(const Json& layer, std::size_t count) {
    const bool affine = weights_.size() == 4;
    if (!affine && weights_.size() != 2)
      fail(ErrorCode::invalid_data, "[Amp] batchnorm: {} lists of weights", weights_.size());
    if (x_.channels % count != 0)
      fail(ErrorCode::invalid_data, "[Amp] batchnorm of {} over {} values", count, x_.channels);
    const double epsilon = number_of(layer, "epsilon").value_or(1e-3);
    const std::vector<float> mean = values(affine ? 2 : 0, count);
    const std::vector<float> variance = values(affine ? 3 : 1, count);
    std::vector<float> gain(count, 1.0F);
    std::vector<float> bias(count);
    if (affine) {
      gain = values(0, count);
      bias = values(1, count);
    }
    std::vector<float> curve_values(2 * x_.channels);
    for (std::size_t i = 0; i < x_.channels; ++i) {
      const std::size_t c = i % count;
      const double factor = gain[c] / std::sqrt(variance[c] + epsilon);
      if (!std::isfinite(factor))
        fail(ErrorCode::invalid_data, "[Amp] batchnorm: a variance of {}", variance[c]);
      curve_values[i] = static_cast<float>(factor);
      curve_values[x_.channels + i] = static_cast<float>(bias[c] - mean[c] * factor);
    }
    Curve curve{Shape::affine};
    curve.slopes = builder_.weights(curve_values);
    builder_.activate(curve, x_);
  }

  ProgramBuilder& builder_;
  Plane x_;
  Json weights_;
};

/// x[0] times a gain in dB; the others are knobs.
void amplify(ProgramBuilder& builder, const Json& file, const char* key, const Plane& x) {
  const double gain_db = number_of(file, key).value_or(0.0);
  if (std::abs(gain_db) > 200.0)
    fail(ErrorCode::invalid_data, "[Amp] {} {} dB: expected -200 to 200", key, gain_db);
  if (gain_db == 0.0) return;
  Curve curve{Shape::affine};
  const std::array<float, 2> values{static_cast<float>(std::pow(10.0, gain_db / 20.0)), 0.0F};
  curve.slopes = builder.weights(values);
  builder.activate(curve, x.part(0, 1));
}

/// Where AIDA-X has it goes before where others do.
std::optional<double> rate_of(const Json& file) {
  const Json* const metadata = find_member(file, "metadata");
  std::optional<double> rate =
      metadata != nullptr ? number_of(*metadata, "samplerate") : std::nullopt;
  if (!rate) rate = number_of(file, "samplerate");
  if (rate && (*rate < 1.0 || *rate > 1e6))
    fail(ErrorCode::invalid_data, "[Amp] samplerate {}: expected 1 to 1000000", *rate);
  return rate;
}

}  // namespace

Model read_rtneural(const Json& file, const ReadOptions& options) {
  Model model;
  model.sample_rate_hz = rate_of(file);
  ProgramBuilder builder(options.fast);
  const Json& layers = member(file, "layers");
  if (!layers.is_array() || layers.empty() || layers.size() > 1024)
    fail(ErrorCode::invalid_data, "[Amp] layers: expected a list of 1 to 1024");
  const Plane in = builder.plane(width_of(member(file, "in_shape"), "in_shape"));
  const Plane x = builder.plane(in.channels);
  builder.add(Modulate{in, {}, {}, x});  // activations work in place
  amplify(builder, file, "in_gain", x);
  const std::size_t skip = count_of(file, "in_skip", 0, 16, 0);
  if (skip > 1) fail(ErrorCode::unsupported, "[Amp] in_skip {}: AIDA-X has 0 or 1", skip);
  Plane past_network;
  if (skip == 1) {
    past_network = builder.plane(1);
    builder.add(Modulate{x.part(0, 1), {}, {}, past_network});
  }
  KerasWriter writer(builder, x);
  for (const Json& layer : layers) writer.write(layer);
  const Plane& out = writer.result();
  if (skip == 1) builder.activate({}, past_network, out.part(0, 1), false);
  amplify(builder, file, "out_gain", out);
  model.program = builder.finish(in, out);
  return model;
}

}  // namespace metalaudio::models::amp
