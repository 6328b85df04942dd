#include "tests/models/amp/amp_reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace metalaudio::models {
namespace {

using nlohmann::json;

struct Stream {
  std::vector<double> values;
  std::size_t at = 0;
  double next() { return values.at(at++); }
};

std::size_t size_or(const json& object, const char* key, std::size_t otherwise) {
  return object.contains(key) ? object[key].get<std::size_t>() : otherwise;
}

/// weights [group][out][in][tap], then the biases; tap K-1 is the newest.
Signals conv(const Signals& x, std::size_t out, std::size_t kernel, std::size_t dilation,
             std::size_t groups, bool bias, Stream& w) {
  const std::size_t frames = x[0].size();
  const std::size_t in = x.size() / groups;
  Signals y(out, std::vector<double>(frames));
  for (std::size_t g = 0; g < groups; ++g)
    for (std::size_t m = 0; m < out / groups; ++m)
      for (std::size_t i = 0; i < in; ++i)
        for (std::size_t k = 0; k < kernel; ++k) {
          const double weight = w.next();
          const std::size_t delay = dilation * (kernel - 1 - k);
          for (std::size_t t = delay; t < frames; ++t)
            y[g * (out / groups) + m][t] += weight * x[g * in + i][t - delay];
        }
  if (bias)
    for (auto& channel : y) {
      const double b = w.next();
      for (double& v : channel) v += b;
    }
  return y;
}

Signals sum(Signals a, const Signals& b) {
  for (std::size_t c = 0; c < a.size(); ++c)
    for (std::size_t t = 0; t < a[c].size(); ++t) a[c][t] += b[c][t];
  return a;
}

double curve(const json& config, std::size_t channel, double x) {
  const std::string name =
      config.is_string() ? config.get<std::string>() : config["type"].get<std::string>();
  const auto parameter = [&](const char* key, double otherwise) {
    return config.is_object() && config.contains(key) ? config[key].get<double>() : otherwise;
  };
  if (name == "Tanh") return std::tanh(x);
  if (name == "Hardtanh") return std::clamp(x, -1.0, 1.0);
  if (name == "ReLU") return std::max(x, 0.0);
  if (name == "Sigmoid") return 1.0 / (1.0 + std::exp(-x));
  if (name == "SiLU") return x / (1.0 + std::exp(-x));
  if (name == "Softsign") return x / (1.0 + std::abs(x));
  if (name == "Hardswish") return x * std::clamp(x + 3.0, 0.0, 6.0) / 6.0;
  if (name == "LeakyReLU") return x > 0.0 ? x : parameter("negative_slope", 0.01) * x;
  if (name == "PReLU") return x > 0.0 ? x : config["negative_slopes"][channel].get<double>() * x;
  if (name == "LeakyHardtanh") {
    const double low = parameter("min_val", -1.0);
    const double high = parameter("max_val", 1.0);
    if (x < low) return (x - low) * parameter("min_slope", 0.01) + low;
    return x > high ? (x - high) * parameter("max_slope", 0.01) + high : x;
  }
  if (name == "Fasttanh") {
    const double ax = std::abs(x);
    const double top = x * (2.45550750702956 + 2.45550750702956 * ax +
                            (0.893229853513558 + 0.821226666969744 * ax) * x * x);
    return top / (2.44506634652299 +
                  (2.44506634652299 + x * x) * std::abs(x + 0.814642734961073 * x * ax));
  }
  throw std::runtime_error(name);
}

Signals mapped(Signals x, const json& config) {
  for (std::size_t c = 0; c < x.size(); ++c)
    for (double& v : x[c]) v = curve(config, c, v);
  return x;
}

struct Film {
  bool active = false;
  bool shift = true;
  std::size_t groups = 1;
};

Film film_of(const json& array, const char* key) {
  if (!array.contains(key) || array[key] == false) return {};
  return {array[key].value("active", true), array[key].value("shift", true),
          array[key].value("groups", std::size_t{1})};
}

/// The weights of a modulation are taken in another order than they are used.
struct Modulation {
  Film film;
  Signals both;
  Signals operator()(Signals x) const {
    if (!film.active) return x;
    for (std::size_t c = 0; c < x.size(); ++c)
      for (std::size_t t = 0; t < x[c].size(); ++t) {
        x[c][t] *= both[c][t];
        if (film.shift) x[c][t] += both[x.size() + c][t];
      }
    return x;
  }
};

Modulation take(const Film& film, const Signals& condition, std::size_t channels, Stream& w) {
  if (!film.active) return {};
  return {film, conv(condition, (film.shift ? 2 : 1) * channels, 1, 1, film.groups, true, w)};
}

/// What is taken from the stream before the convolutions' inputs are known: their own weights.
Stream slice(Stream& w, std::size_t count) {
  Stream part;
  for (std::size_t i = 0; i < count; ++i) part.values.push_back(w.next());
  return part;
}

json of_layer(const json& value, std::size_t l) { return value.is_array() ? value[l] : value; }

Signals wavenet(const json& config, Stream w, const Signals& x) {
  Signals condition = x;
  if (config.contains("condition_dsp") && !config["condition_dsp"].is_null())
    condition = nam_reference(config["condition_dsp"], x);
  Signals signal = x;
  Signals head;
  for (const json& array : config["layers"]) {
    const std::size_t channels = array["channels"];
    const std::size_t bottleneck = size_or(array, "bottleneck", channels);
    const std::size_t conditions = array["condition_size"];
    const std::size_t groups = size_or(array, "groups_input", 1);
    const std::size_t mixin_groups = size_or(array, "groups_input_mixin", 1);
    const json one = array.value("layer1x1", json{{"active", true}, {"groups", 1}});
    const json head_one =
        array.value("head1x1", json{{"active", false}, {"out_channels", channels}, {"groups", 1}});
    const std::size_t head_size = head_one["out_channels"];
    signal = conv(signal, channels, 1, 1, 1, false, w);
    for (std::size_t l = 0; l < array["dilations"].size(); ++l) {
      const std::size_t kernel = array.contains("kernel_sizes")
                                     ? array["kernel_sizes"][l].get<std::size_t>()
                                     : array["kernel_size"].get<std::size_t>();
      std::string gating = array.value("gated", false) ? "gated" : "none";
      if (array.contains("gating_mode")) gating = of_layer(array["gating_mode"], l);
      const std::size_t z_size = gating == "none" ? bottleneck : 2 * bottleneck;
      Stream conv_w = slice(w, channels / groups * z_size * kernel + z_size);
      Stream mixin_w = slice(w, conditions / mixin_groups * z_size);
      Stream one_w;
      if (one["active"].get<bool>())
        one_w = slice(w, bottleneck / one["groups"].get<std::size_t>() * channels + channels);
      Stream head_w;
      if (head_one["active"].get<bool>())
        head_w =
            slice(w, bottleneck / head_one["groups"].get<std::size_t>() * head_size + head_size);
      const auto conv_pre = take(film_of(array, "conv_pre_film"), condition, channels, w);
      const auto conv_post = take(film_of(array, "conv_post_film"), condition, z_size, w);
      const auto mixin_pre = take(film_of(array, "input_mixin_pre_film"), condition, conditions, w);
      const auto mixin_post = take(film_of(array, "input_mixin_post_film"), condition, z_size, w);
      const auto act_pre = take(film_of(array, "activation_pre_film"), condition, z_size, w);
      const auto act_post = take(film_of(array, "activation_post_film"), condition, bottleneck, w);
      const auto one_post = take(film_of(array, "layer1x1_post_film"), condition, channels, w);
      const auto head_post = take(film_of(array, "head1x1_post_film"), condition, head_size, w);

      Signals z = conv_post(conv(conv_pre(signal), z_size, kernel,
                                 array["dilations"][l].get<std::size_t>(), groups, true, conv_w));
      z = sum(z,
              mixin_post(conv(mixin_pre(condition), z_size, 1, 1, mixin_groups, false, mixin_w)));
      z = act_pre(z);
      const auto middle = z.begin() + static_cast<std::ptrdiff_t>(bottleneck);
      Signals a(z.begin(), middle);
      const Signals before = a;
      a = mapped(a, of_layer(array["activation"], l));
      if (gating != "none") {
        const json secondary = array.contains("secondary_activation")
                                   ? of_layer(array["secondary_activation"], l)
                                   : json("Sigmoid");
        const Signals gate = mapped(Signals(middle, z.end()), secondary);
        for (std::size_t c = 0; c < bottleneck; ++c)
          for (std::size_t t = 0; t < a[c].size(); ++t)
            a[c][t] = gate[c][t] * a[c][t] +
                      (gating == "blended" ? (1.0 - gate[c][t]) * before[c][t] : 0.0);
      }
      a = act_post(a);
      Signals to_head = a;
      if (head_one["active"].get<bool>())
        to_head = head_post(conv(a, head_size, 1, 1, head_one["groups"], true, head_w));
      head = head.empty() ? to_head : sum(head, to_head);
      if (!one["active"].get<bool>()) continue;
      Signals residual = conv(a, channels, 1, 1, one["groups"], true, one_w);
      if (gating == "blended") residual = one_post(residual);
      signal = sum(signal, residual);
    }
    if (array.contains("head") && !array["head"].is_null()) {
      head = conv(head, array["head"]["out_channels"], array["head"]["kernel_size"],
                  size_or(array["head"], "head_dilation", 1), 1, array["head"]["bias"], w);
    } else {
      head = conv(head, array["head_size"], 1, 1, 1, array["head_bias"], w);
    }
  }
  const double scale = w.values.back();
  for (auto& channel : head)
    for (double& v : channel) v *= scale;
  if (!config.contains("head") || config["head"].is_null()) return head;
  const json& after = config["head"];
  for (std::size_t i = 0; i < after["kernel_sizes"].size(); ++i) {
    const bool last = i + 1 == after["kernel_sizes"].size();
    head = conv(mapped(head, after["activation"]), after[last ? "out_channels" : "channels"],
                after["kernel_sizes"][i], 1, 1, true, w);
  }
  return head;
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

Signals lstm(const json& config, Stream w, const Signals& in) {
  const std::size_t units = config["hidden_size"];
  Signals x = in;
  for (std::size_t l = 0; l < config["num_layers"]; ++l) {
    const std::size_t inputs = x.size();
    const Stream matrix = slice(w, 4 * units * (inputs + units));
    const Stream bias = slice(w, 4 * units);
    std::vector<double> h = slice(w, units).values;
    std::vector<double> c = slice(w, units).values;
    Signals y(units, std::vector<double>(x[0].size()));
    for (std::size_t t = 0; t < x[0].size(); ++t) {
      std::vector<double> gates = bias.values;
      for (std::size_t r = 0; r < gates.size(); ++r) {
        const double* row = matrix.values.data() + r * (inputs + units);
        for (std::size_t i = 0; i < inputs; ++i) gates[r] += row[i] * x[i][t];
        for (std::size_t u = 0; u < units; ++u) gates[r] += row[inputs + u] * h[u];
      }
      for (std::size_t u = 0; u < units; ++u) {
        c[u] =
            sigmoid(gates[units + u]) * c[u] + sigmoid(gates[u]) * std::tanh(gates[2 * units + u]);
        h[u] = sigmoid(gates[3 * units + u]) * std::tanh(c[u]);
        y[u][t] = h[u];
      }
    }
    x = y;
  }
  return conv(x, size_or(config, "out_channels", 1), 1, 1, 1, true, w);
}

Signals convnet(const json& config, Stream w, Signals x) {
  const std::size_t channels = config["channels"];
  const bool norm = config["batchnorm"];
  for (const json& dilation : config["dilations"]) {
    x = conv(x, channels, 2, dilation, size_or(config, "groups", 1), !norm, w);
    if (norm) {
      const Stream mean = slice(w, channels);
      const Stream variance = slice(w, channels);
      const Stream gain = slice(w, channels);
      const Stream bias = slice(w, channels);
      const double epsilon = w.next();
      for (std::size_t c = 0; c < channels; ++c)
        for (double& v : x[c])
          v = (v - mean.values[c]) / std::sqrt(variance.values[c] + epsilon) * gain.values[c] +
              bias.values[c];
    }
    x = mapped(x, config["activation"]);
  }
  return conv(x, size_or(config, "out_channels", 1), 1, 1, 1, true, w);
}

}  // namespace

Signals nam_reference(const json& file, const Signals& x) {
  Stream w;
  for (const json& weight : file["weights"])
    w.values.push_back(static_cast<double>(weight.get<float>()));
  const json& config = file["config"];
  const std::string architecture = file["architecture"];
  if (architecture == "WaveNet") return wavenet(config, w, x);
  if (architecture == "LSTM") return lstm(config, w, x);
  if (architecture == "ConvNet") return convnet(config, w, x);
  Stream taps = slice(w, config["receptive_field"].get<std::size_t>());
  std::reverse(taps.values.begin(), taps.values.end());
  if (config["bias"].get<bool>()) taps.values.push_back(w.next());
  return conv(x, 1, config["receptive_field"], 1, 1, config["bias"], taps);
}

}  // namespace metalaudio::models
