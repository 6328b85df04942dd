#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/program_builder.h>
#include <metalaudio/models/amp/rtneural.h>

#include <cmath>
#include <set>
#include <string_view>

namespace metalaudio::models::amp {
namespace {

constexpr std::size_t kMostLayers = 64;

/// A state dictionary, and which of its tensors were read.
class State {
 public:
  explicit State(const Json& tensors) : tensors_(tensors) {}

  const Json* find(const std::string& name) {
    const Json* found = find_member(tensors_, name.c_str());
    if (found != nullptr) read_.insert(name);
    return found;
  }
  /// A tensor that nothing reads belongs to a layer that is not there: without it the sound is
  /// another. Batch norms count their batches in training only.
  void finish() const {
    for (const auto& [name, value] : tensors_.items()) {
      if (!read_.contains(name) && !name.ends_with("num_batches_tracked"))
        fail(ErrorCode::unsupported, "[Amp] the tensor {} belongs to no layer that is supported",
             name.substr(0, 64));
    }
  }

 private:
  const Json& tensors_;
  std::set<std::string> read_;
};

/// The tensors of one module, whose names begin with `prefix`.
class Module {
 public:
  Module(State& state, std::string prefix) : state_(state), prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }
  const Json* find(const std::string& name) const { return state_.find(prefix_ + name); }
  const Json& get(const std::string& name) const {
    const Json* found = find(name);
    if (found == nullptr) fail(ErrorCode::invalid_data, "[Amp] {}{} is missing", prefix_, name);
    return *found;
  }
  std::vector<float> list(const std::string& name, std::size_t count) const {
    std::vector<float> values = floats_of(get(name), prefix_ + name);
    if (values.size() != count)
      fail(ErrorCode::invalid_data, "[Amp] {}{}: {} values, expected {}", prefix_, name,
           values.size(), count);
    return values;
  }
  std::vector<float> optional_list(const std::string& name, std::size_t count) const {
    return find(name) != nullptr ? list(name, count) : std::vector<float>{};
  }

 private:
  State& state_;
  std::string prefix_;
};

/// torch.nn.LSTM or GRU with one or more layers, one direction.
Plane write_recurrent(ProgramBuilder& builder, const Module& module, Plane x,
                      std::size_t most_layers = kMostLayers) {
  if (module.find("weight_ih_l0_reverse") != nullptr)
    fail(ErrorCode::unsupported, "[Amp] {}: a layer that runs backwards", module.prefix());
  for (std::size_t l = 0; l < most_layers; ++l) {
    const std::string suffix = fmt::format("_l{}", l);
    if (module.find("weight_ih" + suffix) == nullptr) break;
    RecurrentWeights weights;
    weights.inputs = x.channels;
    weights.hidden = matrix_of(module.get("weight_hh" + suffix), "weight_hh" + suffix, 0, 0);
    const std::size_t units = weights.hidden.columns;
    const std::size_t gates = weights.hidden.rows / units;
    if (weights.hidden.rows != gates * units || (gates != 3 && gates != 4))
      fail(ErrorCode::invalid_data, "[Amp] weight_hh{}: {} x {}", suffix, weights.hidden.rows,
           units);
    weights.gru = gates == 3;
    weights.units = units;
    weights.input = matrix_of(module.get("weight_ih" + suffix), "weight_ih" + suffix, gates * units,
                              x.channels);
    weights.bias = module.optional_list("bias_ih" + suffix, gates * units);
    weights.bias.resize(gates * units);
    std::vector<float> hidden = module.optional_list("bias_hh" + suffix, gates * units);
    hidden.resize(gates * units);
    for (std::size_t i = 0; i < gates * units; ++i) {
      if (weights.gru && i >= 2 * units) {
        weights.reset.push_back(hidden[i]);
      } else {
        weights.bias[i] += hidden[i];
      }
    }
    x = builder.recurrent(x, weights);
  }
  return x;
}

Plane write_conv(ProgramBuilder& builder, const Module& module,
                 const std::vector<std::size_t>& extents, const Plane& x) {
  ConvWeights conv;
  conv.in = x.channels;
  conv.out = extents[0];
  conv.kernel = extents[2];
  const Json* bias = module.find("bias");
  if (bias != nullptr && bias->size() != conv.out && bias->size() == extents[1])
    fail(ErrorCode::unsupported, "[Amp] {}: a transposed convolution changes the rate",
         module.prefix());
  if (x.channels % extents[1] != 0 || conv.out % (x.channels / extents[1]) != 0)
    fail(ErrorCode::invalid_data, "[Amp] {}: a convolution of {} inputs after {}", module.prefix(),
         extents[1], x.channels);
  conv.groups = x.channels / extents[1];
  conv.weights = floats_of(module.get("weight"), "weight");
  conv.bias = module.optional_list("bias", conv.out);
  const Plane y = builder.plane(conv.out);
  builder.convolution(builder.remembered(x, conv.past_frames()), conv, y);
  builder.need_past(conv.past_frames());
  return y;
}

/// One slope for each channel, or one for all.
void write_prelu(ProgramBuilder& builder, const Module& module, const Plane& x) {
  std::vector<float> slopes = floats_of(module.get("weight"), "weight");
  if (slopes.size() == 1) slopes.resize(x.channels, slopes[0]);
  if (slopes.size() != x.channels)
    fail(ErrorCode::invalid_data, "[Amp] {}: {} slopes for {} channels", module.prefix(),
         slopes.size(), x.channels);
  Curve curve{Shape::prelu};
  curve.slopes = builder.weights(slopes);
  builder.activate(curve, x);
}

void write_batch_norm(ProgramBuilder& builder, const Module& module, const Plane& x) {
  const std::vector<float> mean = module.list("running_mean", x.channels);
  const std::vector<float> variance = module.list("running_var", x.channels);
  std::vector<float> gain = module.optional_list("weight", x.channels);
  std::vector<float> bias = module.optional_list("bias", x.channels);
  gain.resize(x.channels, 1.0F);
  bias.resize(x.channels);
  std::vector<float> values(2 * x.channels);
  for (std::size_t c = 0; c < x.channels; ++c) {
    const double factor = gain[c] / std::sqrt(variance[c] + 1e-5);
    if (!std::isfinite(factor))
      fail(ErrorCode::invalid_data, "[Amp] {}: a variance of {}", module.prefix(), variance[c]);
    values[c] = static_cast<float>(factor);
    values[x.channels + c] = static_cast<float>(bias[c] - mean[c] * factor);
  }
  Curve curve{Shape::affine};
  curve.slopes = builder.weights(values);
  builder.activate(curve, x);
}

Plane write_module(ProgramBuilder& builder, const Module& module, const Plane& x) {
  if (module.find("weight_ih_l0") != nullptr) return write_recurrent(builder, module, x);
  if (module.find("running_mean") != nullptr) {
    write_batch_norm(builder, module, x);
    return x;
  }
  const std::vector<std::size_t> extents = extents_of(module.get("weight"), "weight");
  if (extents.size() == 1) {
    write_prelu(builder, module, x);
    return x;
  }
  if (extents.size() == 3) return write_conv(builder, module, extents, x);
  const Matrix matrix = matrix_of(module.get("weight"), "weight", 0, x.channels);
  return builder.dense(x, matrix, module.optional_list("bias", matrix.rows));
}

/// "gru." of "gru.weight_ih_l0".
std::string prefix_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot + 1);
}

/// The inputs of the first module.
std::size_t inputs_of(const Json& state) {
  for (const auto& [name, value] : state.items()) {
    if (!name.ends_with("weight_ih_l0") && !name.ends_with("weight")) continue;
    const std::vector<std::size_t> extents = extents_of(value, name);
    return extents.size() >= 2 ? extents[1] : extents.at(0);
  }
  fail(ErrorCode::invalid_data, "[Amp] a state dictionary without weights");
}

}  // namespace

Model read_torch_state(const Json& file, const ReadOptions& options) {
  for (const auto& [name, value] : file.items()) {
    if (!value.is_array() && !value.is_number())
      fail(ErrorCode::invalid_data,
           "[Amp] neither a .nam file, nor RTNeural's or GuitarML's JSON ({})", name.substr(0, 64));
    static constexpr std::string_view kKnown[]{"weight", "bias", "running_mean", "running_var",
                                               "num_batches_tracked"};
    const std::string tensor = name.substr(prefix_of(name).size());
    bool known = tensor.starts_with("weight_") || tensor.starts_with("bias_");
    for (const std::string_view candidate : kKnown) known = known || tensor == candidate;
    if (!known)
      fail(ErrorCode::unsupported, "[Amp] the tensor {} belongs to no layer that is supported",
           name.substr(0, 64));
  }
  ProgramBuilder builder(options.fast);
  const Plane in = builder.plane(inputs_of(file));
  Plane x = builder.plane(in.channels);
  builder.add(Modulate{in, {}, {}, x});  // activations work in place
  State state(file);
  std::string done = "\n";
  for (const auto& [name, value] : file.items()) {
    const std::string prefix = prefix_of(name);
    if (prefix == done) continue;
    x = write_module(builder, Module(state, prefix), x);
    done = prefix;
  }
  state.finish();
  Model model;
  model.program = builder.finish(in, x);
  return model;
}

Model read_guitarml(const Json& file, const ReadOptions& options) {
  const Json& data = member(file, "model_data");
  State state(member(file, "state_dict"));
  const std::string unit = text_of(data, "unit_type");
  if (unit != "LSTM" && unit != "GRU")
    fail(ErrorCode::unsupported, "[Amp] unit_type {} is not supported: LSTM and GRU are", unit);
  const std::size_t inputs = count_of(data, "input_size", 1, 16);
  const std::size_t skip = count_of(data, "skip", 0, 16, 0);
  ProgramBuilder builder(options.fast);
  const Plane in = builder.plane(inputs);
  const std::size_t layers = count_of(data, "num_layers", 1, kMostLayers, 1);
  const Module recurrent(state, "rec.");
  const Plane x = write_recurrent(builder, recurrent, in, layers);
  recurrent.get(fmt::format("weight_ih_l{}", layers - 1));
  const Module linear(state, "lin.");
  const Matrix matrix = matrix_of(linear.get("weight"), "lin.weight", 0, x.channels);
  if (matrix.rows > inputs && skip > 0)
    fail(ErrorCode::invalid_data, "[Amp] skip: {} outputs of {} inputs", matrix.rows, inputs);
  if (flag_of(data, "bias_fl", false)) linear.get("bias");
  const Plane out = builder.dense(x, matrix, linear.optional_list("bias", matrix.rows));
  state.finish();
  if (skip > 0) builder.activate({}, in.part(0, matrix.rows), out, false);
  Model model;
  model.program = builder.finish(in, out);
  const bool gru = std::get_if<Recurrent>(&model.program.steps.front()) != nullptr &&
                   std::get<Recurrent>(model.program.steps.front()).gru;
  if (!model.program.recurrent || gru != (unit == "GRU") ||
      x.channels != count_of(data, "hidden_size", 1, 4096, x.channels))
    fail(ErrorCode::invalid_data, "[Amp] the weights are no {} as model_data has it", unit);
  return model;
}

}  // namespace metalaudio::models::amp
