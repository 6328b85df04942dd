#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/wavenet_config.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::models::amp {
namespace {

constexpr std::size_t kMostChannels = 1024;
constexpr std::size_t kMostLayers = 1024;
constexpr std::size_t kMostKernel = 4096;
constexpr std::size_t kMostDilation = std::size_t{1} << 22U;
constexpr std::array<const char*, kFilms> kFilmKeys{
    "conv_pre_film",       "conv_post_film",       "input_mixin_pre_film", "input_mixin_post_film",
    "activation_pre_film", "activation_post_film", "layer1x1_post_film",   "head1x1_post_film"};

[[noreturn]] void refuse(const std::string& why) {
  fail(ErrorCode::invalid_data, "[Amp] WaveNet: {}", why);
}

/// A value for each layer: a list of as many, or one for all.
const Json& of_layer(const Json& value, const char* key, std::size_t layer, std::size_t layers) {
  if (!value.is_array()) return value;
  if (value.size() != layers)
    refuse(fmt::format("{} {} for {} dilations", value.size(), key, layers));
  return value[layer];
}

Gating read_gating(const Json& json, std::size_t layer, std::size_t layers) {
  const Json* mode = find_member(json, "gating_mode");
  if (mode == nullptr) return flag_of(json, "gated", false) ? Gating::gated : Gating::none;
  const Json& name = of_layer(*mode, "gating_mode", layer, layers);
  if (name == "none") return Gating::none;
  if (name == "gated") return Gating::gated;
  if (name == "blended") return Gating::blended;
  refuse("gating_mode " + name.dump());
}

std::vector<LayerConfig> read_layers(const Json& json) {
  const Json& dilations = member(json, "dilations");
  if (!dilations.is_array() || dilations.empty() || dilations.size() > kMostLayers)
    refuse(fmt::format("dilations: expected a list of 1 to {}", kMostLayers));
  const std::size_t count = dilations.size();
  const Json* one = find_member(json, "kernel_size");
  const Json* each = find_member(json, "kernel_sizes");
  if ((one == nullptr) == (each == nullptr)) refuse("expected kernel_size or kernel_sizes");
  if (each != nullptr && !each->is_array()) refuse("kernel_sizes: expected a list");
  if (one != nullptr && one->is_array()) refuse("kernel_size: expected a number");
  const Json& kernels = one != nullptr ? *one : *each;
  const Json& activation = member(json, "activation");
  const Json* secondary = find_member(json, "secondary_activation");
  std::vector<LayerConfig> layers(count);
  for (std::size_t l = 0; l < count; ++l) {
    LayerConfig& layer = layers[l];
    layer.dilation = checked_count(dilations[l], "dilation", 1, kMostDilation);
    layer.kernel =
        checked_count(of_layer(kernels, "kernel_sizes", l, count), "kernel_size", 1, kMostKernel);
    layer.activation = of_layer(activation, "activations", l, count);
    layer.gating = read_gating(json, l, count);
    if (secondary == nullptr) continue;
    const Json& gate = of_layer(*secondary, "secondary_activations", l, count);
    if (!gate.is_null()) layer.secondary = gate;
  }
  return layers;
}

FilmConfig read_film(const Json& json, const char* key) {
  const Json* film = find_member(json, key);
  if (film == nullptr || (film->is_boolean() && !film->get<bool>())) return {};
  if (!film->is_object()) refuse(fmt::format("{}: expected false or an object", key));
  FilmConfig config;
  config.active = flag_of(*film, "active", true);
  config.shift = flag_of(*film, "shift", true);
  config.groups = count_of(*film, "groups", 1, kMostChannels, 1);
  return config;
}

void read_head(const Json& json, LayerArrayConfig& array) {
  if (const Json* head = find_member(json, "head"); head != nullptr) {
    array.head_size = count_of(*head, "out_channels", 1, kMostChannels);
    array.head_kernel = count_of(*head, "kernel_size", 1, kMostKernel);
    array.head_bias = flag_of(*head, "bias");
    array.head_dilation = count_of(*head, "head_dilation", 1, kMostDilation, 1);
    return;
  }
  array.head_size = count_of(json, "head_size", 1, kMostChannels);
  array.head_bias = flag_of(json, "head_bias");
}

void read_slimmable(const Json& json, LayerArrayConfig& array) {
  const Json* slimmable = find_member(json, "slimmable");
  if (slimmable == nullptr) return;
  if (const std::string method = text_of(*slimmable, "method"); method != "slice_channels_uniform")
    fail(ErrorCode::unsupported, "[Amp] WaveNet: slimmable method {} is not supported", method);
  const Json* arguments = find_member(*slimmable, "kwargs");
  const Json* allowed =
      arguments != nullptr ? find_member(*arguments, "allowed_channels") : nullptr;
  if (allowed == nullptr) {
    for (std::size_t c = 1; c <= array.channels; ++c) array.allowed_channels.push_back(c);
    return;
  }
  if (!allowed->is_array() || allowed->empty()) refuse("allowed_channels: expected a list");
  for (const Json& item : *allowed) {
    const std::size_t channels = checked_count(item, "allowed_channels", 1, array.channels);
    if (!array.allowed_channels.empty() && channels <= array.allowed_channels.back())
      refuse("allowed_channels: expected ascending numbers");
    array.allowed_channels.push_back(channels);
  }
  if (array.allowed_channels.back() != array.channels)
    refuse(fmt::format("the last of allowed_channels is {} of {}", array.allowed_channels.back(),
                       array.channels));
}

LayerArrayConfig read_array(const Json& json) {
  LayerArrayConfig array;
  array.input_size = count_of(json, "input_size", 1, kMostChannels);
  array.condition_size = count_of(json, "condition_size", 1, kMostChannels);
  array.channels = count_of(json, "channels", 1, kMostChannels);
  array.bottleneck = count_of(json, "bottleneck", 1, kMostChannels, array.channels);
  array.layers = read_layers(json);
  read_head(json, array);
  array.groups_input = count_of(json, "groups_input", 1, kMostChannels, 1);
  array.groups_mixin = count_of(json, "groups_input_mixin", 1, kMostChannels, 1);
  if (const Json* item = find_member(json, "layer1x1"); item != nullptr) {
    array.layer1x1 = flag_of(*item, "active", true);
    array.layer1x1_groups = count_of(*item, "groups", 1, kMostChannels, 1);
  }
  if (const Json* item = find_member(json, "head1x1"); item != nullptr) {
    array.head1x1 = flag_of(*item, "active", true);
    array.head1x1_size = count_of(*item, "out_channels", 1, kMostChannels, array.channels);
    array.head1x1_groups = count_of(*item, "groups", 1, kMostChannels, 1);
  }
  for (std::size_t f = 0; f < kFilms; ++f) array.films[f] = read_film(json, kFilmKeys[f]);
  if (!array.layer1x1 && array.bottleneck != array.channels)
    refuse(fmt::format("a bottleneck of {} with {} channels needs layer1x1", array.bottleneck,
                       array.channels));
  if (array.film(Film::layer1x1_post).active && !array.layer1x1)
    refuse("layer1x1_post_film without layer1x1");
  if (array.film(Film::head1x1_post).active && !array.head1x1)
    refuse("head1x1_post_film without head1x1");
  read_slimmable(json, array);
  return array;
}

PostStackConfig read_post_stack(const Json& json, const LayerArrayConfig& last) {
  PostStackConfig config;
  if (count_of(json, "in_channels", 1, kMostChannels, last.head_size) != last.head_size)
    refuse(fmt::format("head.in_channels is not head_size {}", last.head_size));
  config.channels = count_of(json, "channels", 1, kMostChannels);
  config.out_channels = count_of(json, "out_channels", 1, kMostChannels);
  const Json& kernels = member(json, "kernel_sizes");
  if (!kernels.is_array() || kernels.empty() || kernels.size() > kMostLayers)
    refuse("head.kernel_sizes: expected a list");
  for (const Json& kernel : kernels)
    config.kernels.push_back(checked_count(kernel, "kernel_size", 1, kMostKernel));
  config.activation = member(json, "activation");
  return config;
}

void check_slimmable(const WaveNetConfig& config) {
  for (const LayerArrayConfig& array : config.arrays) {
    const bool groups = array.groups_input != 1 || array.groups_mixin != 1 ||
                        array.layer1x1_groups != 1 || array.head1x1_groups != 1;
    const bool film_groups =
        std::ranges::any_of(array.films, [](const FilmConfig& f) { return f.groups != 1; });
    if (array.head_kernel != 1 || groups || film_groups || config.post_stack)
      fail(ErrorCode::unsupported,
           "[Amp] WaveNet: a slimmable model with groups, a head over several frames or one after "
           "the arrays is not supported");
  }
}

}  // namespace

WaveNetConfig read_wavenet_config(const Json& json) {
  WaveNetConfig config;
  config.in_channels = count_of(json, "in_channels", 1, kMostChannels, 1);
  const Json& layers = member(json, "layers");
  if (!layers.is_array() || layers.empty() || layers.size() > 64)
    refuse("layers: expected a list of 1 to 64");
  for (const Json& item : layers) {
    config.arrays.push_back(read_array(item));
    const LayerArrayConfig& array = config.arrays.back();
    const std::size_t before = config.arrays.size() > 1
                                   ? config.arrays[config.arrays.size() - 2].channels
                                   : config.in_channels;
    if (array.input_size != before)
      refuse(fmt::format("input_size {} after {} channels", array.input_size, before));
    if (config.arrays.size() == 1) continue;
    const std::size_t head = config.arrays[config.arrays.size() - 2].head_size;
    if (array.channels != head || array.head_inputs() != head)
      refuse(fmt::format("{} channels after a head of {}", array.channels, head));
  }
  if (const Json* head = find_member(json, "head"); head != nullptr)
    config.post_stack = read_post_stack(*head, config.arrays.back());
  config.condition = find_member(json, "condition_dsp");
  return config;
}

std::vector<LayerArrayConfig> slimmed(const WaveNetConfig& config, double slim) {
  std::vector<LayerArrayConfig> sizes = config.arrays;
  bool changed = false;
  for (LayerArrayConfig& array : sizes) {
    if (array.allowed_channels.empty()) continue;
    const std::size_t count = array.allowed_channels.size();
    const auto index = static_cast<std::size_t>(std::floor(slim * static_cast<double>(count)));
    const std::size_t channels = array.allowed_channels[std::min(index, count - 1)];
    changed = changed || channels != array.channels;
    array.bottleneck = array.layer1x1
                           ? std::max<std::size_t>(1, array.bottleneck * channels / array.channels)
                           : channels;
    array.channels = channels;
  }
  if (!changed) return config.arrays;
  check_slimmable(config);
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    sizes[i].input_size = sizes[i - 1].channels;
    sizes[i - 1].head_size = sizes[i].channels;
  }
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    if (sizes[i].head_inputs() != sizes[i - 1].head_size)
      refuse(fmt::format("a slim head of {} before {} channels", sizes[i - 1].head_size,
                         sizes[i].head_inputs()));
  }
  return sizes;
}

}  // namespace metalaudio::models::amp
