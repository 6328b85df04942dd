#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/nam.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace metalaudio::models::amp {
namespace {

constexpr double kDefaultRateHz = 48000.0;  // the trainer's
constexpr std::size_t kMostNested = 4;
constexpr std::size_t kMostChannels = 4096;
constexpr std::size_t kMostPrewarmFrames = std::size_t{1} << 20U;
constexpr std::size_t kMostFrames = std::size_t{1} << 24U;

/// "0.5.4": the format from 0.5.0 to 0.7; a patch may only add what can be left out.
void check_version(const Json& file) {
  const std::string text = text_of(file, "version");
  std::array<int, 3> numbers{};
  const char* place = text.data();
  const char* const end = place + text.size();
  bool good = true;
  for (std::size_t i = 0; i < 3 && good; ++i) {
    const auto [next, error] = std::from_chars(place, end, numbers[i]);
    good = error == std::errc() && *place != '-' &&
           (i == 2 ? next == end : next != end && *next == '.');
    place = next + 1;
  }
  if (!good) fail(ErrorCode::invalid_data, "[Amp] version {}: expected as in 0.7.0", text);
  if (numbers[0] != 0 || numbers[1] < 5 || numbers[1] > 7)
    fail(ErrorCode::unsupported, "[Amp] .nam version {}: expected 0.5.0 to 0.7", text);
}

std::optional<double> read_rate(const Json& file) {
  const std::optional<double> rate = number_of(file, "sample_rate");
  if (!rate || *rate == -1.0) return std::nullopt;  // which the first programs wrote for none
  if (*rate < 1.0 || *rate > 1e6)
    fail(ErrorCode::invalid_data, "[Amp] sample_rate {}: expected 1 to 1000000", *rate);
  return rate;
}

/// The submodel of a container for a size.
const Json& submodel(const Json& config, double slim) {
  const Json& list = member(config, "submodels");
  if (!list.is_array() || list.empty() || list.size() > 64)
    fail(ErrorCode::invalid_data, "[Amp] submodels: expected a list of 1 to 64");
  double before = -1.0;
  const Json* chosen = nullptr;
  for (const Json& item : list) {
    const std::optional<double> most = number_of(item, "max_value");
    if (!most || *most <= before)
      fail(ErrorCode::invalid_data, "[Amp] submodels: expected ascending max_value");
    if (chosen == nullptr && slim < *most) chosen = &member(item, "model");
    before = *most;
  }
  if (before < 1.0)
    fail(ErrorCode::invalid_data, "[Amp] submodels: the last max_value is {}, below 1", before);
  return chosen != nullptr ? *chosen : member(list.back(), "model");
}

}  // namespace

void require_inputs(ProgramBuilder& builder, Plane& in, std::size_t channels) {
  if (in.channels == 0) in = builder.plane(channels);
  if (in.channels != channels)
    fail(ErrorCode::invalid_data, "[Amp] a network of {} inputs where there are {}", channels,
         in.channels);
}

Curve read_curve(ProgramBuilder& builder, const Json& value, std::size_t channels) {
  const std::string name = value.is_string() ? value.get<std::string>() : text_of(value, "type");
  const auto parameter = [&](const char* key, double otherwise) {
    return static_cast<float>(number_of(value, key).value_or(otherwise));
  };
  if (name == "Tanh") return {Shape::tanh};
  if (name == "Hardtanh") return {Shape::hard_tanh};
  if (name == "Fasttanh") return {Shape::nam_fast_tanh};
  if (name == "ReLU") return {Shape::relu};
  if (name == "Sigmoid") return {Shape::sigmoid};
  if (name == "SiLU") return {Shape::silu};
  if (name == "Hardswish") return {Shape::hard_swish};
  if (name == "Softsign") return {Shape::softsign};
  if (name == "LeakyReLU") return {Shape::leaky_relu, parameter("negative_slope", 0.01)};
  if (name == "LeakyHardtanh" || name == "LeakyHardTanh")
    return {Shape::leaky_hard_tanh, parameter("min_val", -1.0), parameter("max_val", 1.0),
            parameter("min_slope", 0.01), parameter("max_slope", 0.01)};
  if (name != "PReLU") fail(ErrorCode::unsupported, "[Amp] activation {} is not supported", name);
  const Json* slopes = find_member(value, "negative_slopes");
  if (slopes == nullptr) return {Shape::leaky_relu, parameter("negative_slope", 0.01)};
  std::vector<float> list = floats_of(*slopes, "negative_slopes");
  if (list.size() == 1) list.resize(channels, list[0]);
  if (list.size() != channels)
    fail(ErrorCode::invalid_data, "[Amp] {} negative_slopes for {} channels", list.size(),
         channels);
  Curve curve{Shape::prelu};
  curve.slopes = builder.weights(list);
  return curve;
}

Plane write_lstm(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in) {
  const std::size_t layers = count_of(config, "num_layers", 1, 64);
  const std::size_t inputs = count_of(config, "input_size", 1, kMostChannels);
  const std::size_t units = count_of(config, "hidden_size", 1, kMostChannels);
  const std::size_t outputs = count_of(config, "out_channels", 1, kMostChannels, 1);
  require_inputs(builder, in, inputs);
  Plane x = in;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    RecurrentWeights lstm;
    lstm.inputs = x.channels;
    lstm.units = units;
    const std::vector<float> both = weights.take(4 * units * (lstm.inputs + units));
    lstm.input = Matrix(4 * units, lstm.inputs);
    lstm.hidden = Matrix(4 * units, units);
    for (std::size_t row = 0; row < 4 * units; ++row) {
      const float* values = both.data() + row * (lstm.inputs + units);
      for (std::size_t i = 0; i < lstm.inputs; ++i) lstm.input.at(row, i) = values[i];
      for (std::size_t u = 0; u < units; ++u) lstm.hidden.at(row, u) = values[lstm.inputs + u];
    }
    lstm.bias = weights.take(4 * units);
    lstm.h = weights.take(units);
    lstm.c = weights.take(units);
    x = builder.recurrent(x, lstm);
  }
  Matrix head(outputs, units);
  head.values = weights.take(outputs * units);
  return builder.dense(x, head, weights.take(outputs));
}

Plane write_convnet(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in) {
  const std::size_t channels = count_of(config, "channels", 1, kMostChannels);
  const std::size_t inputs = count_of(config, "in_channels", 1, kMostChannels, 1);
  const std::size_t outputs = count_of(config, "out_channels", 1, kMostChannels, 1);
  const std::size_t groups = count_of(config, "groups", 1, kMostChannels, 1);
  const bool norm = flag_of(config, "batchnorm");
  const Json& dilations = member(config, "dilations");
  if (!dilations.is_array() || dilations.empty() || dilations.size() > 1024)
    fail(ErrorCode::invalid_data, "[Amp] dilations: expected a list of 1 to 1024");
  require_inputs(builder, in, inputs);
  Plane x = in;
  for (const Json& item : dilations) {
    ConvWeights conv{x.channels, channels, 2, checked_count(item, "dilation", 1, kMostFrames),
                     groups,     {},       {}};
    if (conv.in % groups != 0 || channels % groups != 0)
      fail(ErrorCode::invalid_data, "[Amp] {} groups of {} to {} channels", groups, conv.in,
           channels);
    conv.weights = weights.take(conv.in / groups * channels * 2);
    if (!norm) {
      conv.bias = weights.take(channels);
    } else {
      const std::vector<float> mean = weights.take(channels);
      const std::vector<float> variance = weights.take(channels);
      const std::vector<float> gain = weights.take(channels);
      conv.bias = weights.take(channels);
      const float epsilon = weights.take_one();
      for (std::size_t m = 0; m < channels; ++m) {
        const float scale = gain[m] / std::sqrt(variance[m] + epsilon);
        if (!std::isfinite(scale))
          fail(ErrorCode::invalid_data, "[Amp] a variance of {} in a batch norm", variance[m]);
        for (std::size_t k = 0; k < conv.in / groups * 2; ++k)
          conv.weights[m * (conv.in / groups * 2) + k] *= scale;
        conv.bias[m] -= scale * mean[m];
      }
    }
    const Plane y = builder.plane(channels);
    builder.convolution(builder.remembered(x, conv.past_frames()), conv, y);
    builder.need_past(conv.past_frames());
    builder.activate(read_curve(builder, member(config, "activation"), channels), y);
    x = y;
  }
  Matrix head(outputs, channels);
  head.values = weights.take(outputs * channels);
  return builder.dense(x, head, weights.take(outputs));
}

Plane write_linear(ProgramBuilder& builder, const Json& config, WeightList& weights, Plane& in) {
  const std::size_t taps = count_of(config, "receptive_field", 1, std::size_t{1} << 20U);
  const std::size_t inputs = count_of(config, "in_channels", 1, 1, 1);
  count_of(config, "out_channels", 1, 1, 1);
  require_inputs(builder, in, inputs);
  ConvWeights conv{1, 1, taps, 1, 1, weights.take(taps), {}};
  std::ranges::reverse(conv.weights);  // the newest sample's weight comes first
  if (flag_of(config, "bias")) conv.bias = weights.take(1);
  const Plane y = builder.plane(1);
  builder.convolution(builder.remembered(in, conv.past_frames()), conv, y);
  builder.need_past(conv.past_frames());
  return y;
}

Plane write_nam(ProgramBuilder& builder, const Json& file, Plane& in, NamPart& part) {
  if (++part.depth > kMostNested)
    fail(ErrorCode::invalid_data, "[Amp] more than {} models inside each other", kMostNested);
  check_version(file);
  const std::string architecture = text_of(file, "architecture");
  const Json& config = member(file, "config");
  const std::optional<double> rate = read_rate(file);
  if (part.depth > 1 && rate && part.sample_rate_hz && *rate != *part.sample_rate_hz)
    fail(ErrorCode::invalid_data, "[Amp] a model of {} Hz inside one of {} Hz", *rate,
         *part.sample_rate_hz);
  if (!part.sample_rate_hz) part.sample_rate_hz = rate;
  WeightList weights(floats_of(member(file, "weights"), "weights"));
  Plane out;
  if (architecture == "SlimmableContainer") {
    const Json& chosen = submodel(config, part.options.slim);
    // As in the original, the size chooses here and nowhere below.
    const ReadOptions whole{part.options.fast, 1.0, part.options.film_in_every_mode};
    NamPart inner{whole, part.sample_rate_hz, part.depth, 0};
    out = write_nam(builder, chosen, in, inner);
    part.sample_rate_hz = inner.sample_rate_hz;
    part.prewarm_frames += inner.prewarm_frames;
  } else if (architecture == "WaveNet" || architecture == "SlimmableWavenet") {
    const Json* inner = find_member(config, "model");
    out = write_wavenet(builder, inner != nullptr ? *inner : config, weights, in, part);
  } else if (architecture == "LSTM") {
    out = write_lstm(builder, config, weights, in);
    // Half a second, after which the state has settled.
    part.prewarm_frames +=
        static_cast<std::size_t>(0.5 * part.sample_rate_hz.value_or(kDefaultRateHz));
  } else if (architecture == "ConvNet") {
    out = write_convnet(builder, config, weights, in);
  } else if (architecture == "Linear") {
    out = write_linear(builder, config, weights, in);
  } else {
    fail(ErrorCode::unsupported, "[Amp] architecture {} is not supported", architecture);
  }
  weights.finish();
  --part.depth;
  return out;
}

Model read_nam(const Json& file, const ReadOptions& options) {
  Model model;
  ProgramBuilder builder(options.fast);
  NamPart part{options, std::nullopt, 0, 0};
  Plane in;
  const Plane out = write_nam(builder, file, in, part);
  model.program = builder.finish(in, out);
  model.sample_rate_hz = part.sample_rate_hz.value_or(kDefaultRateHz);
  model.prewarm_frames = part.prewarm_frames;
  // With an LSTM in it, silence has to run through the network.
  if (model.program.recurrent && model.program.receptive_frames > kMostPrewarmFrames)
    fail(ErrorCode::invalid_data, "[Amp] a past of {} frames beside an LSTM",
         model.program.receptive_frames);
  model.prewarmed = true;
  if (const Json* metadata = find_member(file, "metadata"); metadata != nullptr) {
    model.loudness_db = number_of(*metadata, "loudness");
    model.input_level_dbu = number_of(*metadata, "input_level_dbu");
    model.output_level_dbu = number_of(*metadata, "output_level_dbu");
  }
  return model;
}

}  // namespace metalaudio::models::amp
