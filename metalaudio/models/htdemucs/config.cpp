#include <metalaudio/core/error.h>
#include <metalaudio/core/printable.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/nn/io/json_text.h>

#include <set>

namespace metalaudio::models {

namespace {

using nlohmann::json;

[[noreturn]] void reject(const std::string& name, const std::string& expected, const json& value) {
  fail(ErrorCode::invalid_data, "[HTDemucs] argument {} is {}, expected {}", name,
       printable(value.dump(-1, ' ', false, json::error_handler_t::replace)), expected);
}

/// Reads arguments one by one and remembers which it has seen.
class Arguments {
 public:
  explicit Arguments(const json& kwargs) : kwargs_(kwargs) {}

  void integer(const char* name, std::int64_t& value, std::int64_t least, std::int64_t most) {
    const json* found = find(name);
    if (found == nullptr) return;
    const std::string expected = fmt::format("an integer from {} to {}", least, most);
    if (found->is_boolean()) {
      value = found->get<bool>() ? 1 : 0;
    } else if (found->is_number_integer()) {
      value = found->get<std::int64_t>();
    } else {
      reject(name, expected, *found);
    }
    if (value < least || value > most) reject(name, expected, *found);
  }

  void number(const char* name, double& value, double least, double most) {
    const json* found = find(name);
    if (found == nullptr) return;
    const std::string expected = fmt::format("a number from {} to {}", least, most);
    if (!found->is_number()) reject(name, expected, *found);
    value = found->get<double>();
    if (!(value >= least && value <= most)) reject(name, expected, *found);
  }

  void flag(const char* name, bool& value) {
    const json* found = find(name);
    if (found == nullptr) return;
    if (!found->is_boolean() && !found->is_number_integer()) reject(name, "true or false", *found);
    value = found->is_boolean() ? found->get<bool>() : found->get<std::int64_t>() != 0;
  }

  /// An argument that null, false, 0 and an empty list switch off.
  bool is_on(const char* name) const {
    const auto found = kwargs_.find(name);
    if (found == kwargs_.end() || found->is_null()) return false;
    if (found->is_boolean()) return found->get<bool>();
    if (found->is_number()) return found->get<double>() != 0;
    return !found->empty();
  }

  const json* find(const char* name) const {
    const auto found = kwargs_.find(name);
    return found == kwargs_.end() || found->is_null() ? nullptr : &*found;
  }

 private:
  const json& kwargs_;
};

/// sources is upstream's only positional argument.
void read_sources(const Arguments& arguments, const json& args, HTDemucsConfig& config) {
  const json* sources = arguments.find("sources");
  if (sources == nullptr && args.is_array() && !args.empty()) sources = &args[0];
  if (sources == nullptr || !sources->is_array() || sources->empty() || sources->size() > 64) {
    fail(ErrorCode::invalid_data, "[HTDemucs] argument sources: expected a list of 1 to 64 names");
  }
  std::set<std::string> seen;
  for (const json& source : *sources) {
    const bool named = source.is_string() && !source.get<std::string>().empty() &&
                       source.get<std::string>().find('/') == std::string::npos &&
                       source.get<std::string>() != ".." && source.get<std::string>() != ".";
    if (!named || !seen.insert(source.get<std::string>()).second) {
      reject("sources", "different names that can be file names", *sources);
    }
    config.sources.push_back(source.get<std::string>());
  }
}

/// Upstream computes int(segment · samplerate) in doubles; the same number of samples here.
bool set_segment(HTDemucsConfig& config, double seconds) {
  const double samples = seconds * static_cast<double>(config.samplerate);
  if (!(samples >= 1 && samples < 1e9)) return false;
  config.segment_numerator = static_cast<std::int64_t>(samples);
  config.segment_denominator = config.samplerate;
  return true;
}

void read_segment(const Arguments& arguments, HTDemucsConfig& config) {
  const json* segment = arguments.find("segment");
  if (segment == nullptr) return;
  constexpr const char* kExpected = "seconds as a number or a fraction, at most 600";
  if (segment->is_object()) {
    const auto numerator = segment->find("numerator");
    const auto denominator = segment->find("denominator");
    if (numerator == segment->end() || denominator == segment->end() ||
        !numerator->is_number_integer() || !denominator->is_number_integer()) {
      reject("segment", kExpected, *segment);
    }
    config.segment_numerator = numerator->get<std::int64_t>();
    config.segment_denominator = denominator->get<std::int64_t>();
  } else if (segment->is_number() && set_segment(config, segment->get<double>())) {
  } else {
    reject("segment", kExpected, *segment);
  }
  const bool small = config.segment_numerator > 0 && config.segment_denominator > 0 &&
                     config.segment_numerator < (std::int64_t{1} << 40) &&
                     config.segment_denominator < (std::int64_t{1} << 40);
  if (!small || config.segment_samples() < 1 ||
      config.segment_samples() > 600 * config.samplerate) {
    reject("segment", kExpected, *segment);
  }
}

void refuse_unsupported(const Arguments& arguments) {
  bool cac = true;
  bool train_segment = true;
  Arguments values = arguments;
  values.flag("cac", cac);
  values.flag("use_train_segment", train_segment);
  const auto refuse = [](const std::string& what) {
    fail(ErrorCode::unsupported, "[HTDemucs] {} is not supported", what);
  };
  if (!cac) refuse("cac=False (masking instead of complex channels)");
  if (!train_segment) refuse("use_train_segment=False (inputs of any length)");
  for (const char* name :
       {"multi_freqs", "t_sparse_self_attn", "t_sparse_cross_attn", "t_sin_random_shift"}) {
    if (arguments.is_on(name)) refuse(name);
  }
}

void read_structure(Arguments& arguments, HTDemucsConfig& config) {
  constexpr std::int64_t kWidth = 1 << 14;
  arguments.integer("audio_channels", config.audio_channels, 1, 64);
  arguments.integer("channels", config.channels, 1, kWidth);
  arguments.integer("channels_time", config.channels_time, 0, kWidth);
  arguments.number("growth", config.growth, 0.25, 16);
  arguments.integer("nfft", config.nfft, 16, 1 << 20);
  arguments.integer("depth", config.depth, 1, 16);
  arguments.flag("rewrite", config.rewrite);
  arguments.number("freq_emb", config.freq_emb, 0, 1e6);
  arguments.number("emb_scale", config.emb_scale, 1e-6, 1e6);
  arguments.integer("kernel_size", config.kernel_size, 1, 64);
  arguments.integer("time_stride", config.time_stride, 1, 32);
  arguments.integer("stride", config.stride, 1, 64);
  arguments.integer("context", config.context, 0, 3);
  arguments.integer("context_enc", config.context_enc, 0, 3);
  arguments.integer("norm_starts", config.norm_starts, 0, 1000);
  arguments.integer("norm_groups", config.norm_groups, 1, kWidth);
  arguments.integer("dconv_mode", config.dconv_mode, 0, 3);
  arguments.integer("dconv_depth", config.dconv_depth, -10, 10);
  arguments.number("dconv_comp", config.dconv_comp, 0.01, kWidth);
  arguments.integer("bottom_channels", config.bottom_channels, 0, kWidth);
  arguments.integer("samplerate", config.samplerate, 1, 1'000'000);
}

void read_transformer(Arguments& arguments, HTDemucsConfig& config) {
  if (const json* embedding = arguments.find("t_emb")) {
    if (!embedding->is_string()) reject("t_emb", "sin, cape or scaled", *embedding);
    config.t_emb = embedding->get<std::string>();
    if (config.t_emb != "sin" && config.t_emb != "cape" && config.t_emb != "scaled") {
      reject("t_emb", "sin, cape or scaled", *embedding);
    }
  }
  arguments.integer("t_layers", config.t_layers, 0, 1000);
  arguments.number("t_hidden_scale", config.t_hidden_scale, 0.01, 64);
  arguments.integer("t_heads", config.t_heads, 1, 1024);
  arguments.integer("t_max_positions", config.t_max_positions, 1, 1 << 24);
  arguments.flag("t_norm_in", config.t_norm_in);
  arguments.integer("t_norm_in_group", config.t_norm_in_group, 0, 1024);
  arguments.integer("t_group_norm", config.t_group_norm, 0, 1024);
  arguments.flag("t_norm_first", config.t_norm_first);
  arguments.integer("t_norm_out", config.t_norm_out, 0, 1024);
  arguments.number("t_max_period", config.t_max_period, 1e-3, 1e12);
  arguments.flag("t_layer_scale", config.t_layer_scale);
  arguments.flag("t_gelu", config.t_gelu);
  arguments.number("t_weight_pos_embed", config.t_weight_pos_embed, -1e6, 1e6);
  arguments.flag("t_cape_mean_normalize", config.t_cape_mean_normalize);
  arguments.flag("t_cross_first", config.t_cross_first);
}

constexpr const char* kClass = "demucs.htdemucs.HTDemucs";

/// An entry of the metadata, which safetensors files hold as JSON text; null if it is not there.
json part_of(const nn::StateFile& file, const char* name) {
  const auto found = file.metadata.find(name);
  if (found == file.metadata.end()) return nullptr;
  if (!found->is_string()) return *found;
  return nn::parse_json_text(found->get<std::string>(), fmt::format("metadata {}", name));
}

std::string class_of(const nn::StateFile& file) {
  const auto found = file.metadata.find("klass");
  return found == file.metadata.end() || !found->is_string() ? "" : found->get<std::string>();
}

/// diffq's layout: the values of a quantised state, or the structure of packed tensors.
bool is_quantised(const nn::StateFile& file) {
  const auto state = file.metadata.find("state");
  return file.metadata.contains("structure") ||
         (state != file.metadata.end() && state->is_object() && state->contains("__quantized"));
}

}  // namespace

bool is_htdemucs(const nn::StateFile& file) { return class_of(file) == kClass; }

HTDemucsConfig read_htdemucs_config(const nn::StateFile& file) {
  if (!is_htdemucs(file)) {
    const std::string found = class_of(file);
    fail(ErrorCode::unsupported, "[HTDemucs] the file holds a {}, which is no HTDemucs",
         found.empty() ? "model without a class" : printable(found));
  }
  if (is_quantised(file)) {
    fail(ErrorCode::unsupported, "[HTDemucs] diffq-quantised weights are not supported");
  }
  const json kwargs = part_of(file, "kwargs");
  const json args = part_of(file, "args");
  if (!kwargs.is_object() || !args.is_array()) {
    fail(ErrorCode::invalid_data,
         "[HTDemucs] the file has no arguments: args is not a list or kwargs not an object");
  }
  Arguments arguments(kwargs);
  HTDemucsConfig config;
  read_sources(arguments, args, config);
  read_structure(arguments, config);
  read_transformer(arguments, config);
  read_segment(arguments, config);
  refuse_unsupported(arguments);
  return config;
}

void HTDemucsConfig::set_segment_seconds(double seconds) {
  if (!set_segment(*this, seconds) || segment_samples() > 600 * samplerate) {
    fail(ErrorCode::invalid_data, "[HTDemucs] a segment of {} s: expected above 0, at most 600",
         seconds);
  }
}

void HTDemucsConfig::shorten(const std::optional<double>& seconds) {
  if (seconds && *seconds <= segment_seconds()) set_segment_seconds(*seconds);
}

HTDemucsConfig HTDemucsConfig::htdemucs() {
  HTDemucsConfig config;
  config.sources = {"drums", "bass", "other", "vocals"};
  config.dconv_mode = 3;
  config.bottom_channels = 512;
  config.segment_numerator = 39;
  config.segment_denominator = 5;
  return config;
}

HTDemucsConfig HTDemucsConfig::htdemucs_6s() {
  HTDemucsConfig config = htdemucs();
  config.sources = {"drums", "bass", "other", "vocals", "guitar", "piano"};
  config.bottom_channels = 0;
  return config;
}

HTDemucsConfig HTDemucsConfig::original() {
  HTDemucsConfig config = htdemucs_6s();
  config.depth = 5;
  config.norm_starts = 1;  // 12 channels of audio at the outermost make no 8 groups
  config.norm_groups = 8;
  config.dconv_mode = 0;
  config.bottom_channels = 512;
  return config;
}

}  // namespace metalaudio::models
