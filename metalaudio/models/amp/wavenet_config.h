#pragma once

#include <metalaudio/models/amp/json.h>

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace metalaudio::models::amp {

enum class Gating { none, gated, blended };

/// Where a layer may be modulated by the condition, in the order of their weights.
enum class Film : std::size_t {
  conv_pre,
  conv_post,
  mixin_pre,
  mixin_post,
  activation_pre,
  activation_post,
  layer1x1_post,
  head1x1_post,
};
constexpr std::size_t kFilms = 8;

struct FilmConfig {
  bool active = false;
  bool shift = true;
  std::size_t groups = 1;
};

struct LayerConfig {
  std::size_t kernel = 1;
  std::size_t dilation = 1;
  Json activation;
  Json secondary = "Sigmoid";
  Gating gating = Gating::none;
};

struct LayerArrayConfig {
  std::size_t input_size = 1;
  std::size_t condition_size = 1;
  std::size_t channels = 1;
  std::size_t bottleneck = 1;
  std::vector<LayerConfig> layers;
  std::size_t head_size = 1;
  std::size_t head_kernel = 1;
  std::size_t head_dilation = 1;
  bool head_bias = false;
  std::size_t groups_input = 1;
  std::size_t groups_mixin = 1;
  bool layer1x1 = true;
  std::size_t layer1x1_groups = 1;
  bool head1x1 = false;
  std::size_t head1x1_size = 1;
  std::size_t head1x1_groups = 1;
  std::array<FilmConfig, kFilms> films;
  std::vector<std::size_t> allowed_channels;  ///< of a slimmable array, ascending

  const FilmConfig& film(Film film) const { return films[static_cast<std::size_t>(film)]; }
  std::size_t head_past() const { return (head_kernel - 1) * head_dilation; }
  std::size_t head_inputs() const { return head1x1 ? head1x1_size : bottleneck; }
};

struct PostStackConfig {
  std::size_t channels = 1;
  std::size_t out_channels = 1;
  std::vector<std::size_t> kernels;
  Json activation;
};

struct WaveNetConfig {
  std::size_t in_channels = 1;
  std::vector<LayerArrayConfig> arrays;
  std::optional<PostStackConfig> post_stack;
  const Json* condition = nullptr;  ///< a whole file, in the one that was read
};

/// Errors:   throw Error{invalid_data, unsupported}.
WaveNetConfig read_wavenet_config(const Json& json);

/// The arrays of a size from 0 to 1: the first channels of those that are slimmable.
std::vector<LayerArrayConfig> slimmed(const WaveNetConfig& config, double slim);

}  // namespace metalaudio::models::amp
