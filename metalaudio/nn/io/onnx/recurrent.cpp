#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <cctype>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;
using U = UnaryFunction;

/// What the three layers have in common, with ONNX's order of axes turned into ours: x[B][T][in],
/// states [D][B][H].
struct Layer {
  Layer(Call& call, std::size_t gates) : c(call), b(call.b) {
    batch_first = c.attribute("layout", std::int64_t{0}) != 0;
    const std::string way = c.attribute("direction", "forward");
    if (way == "bidirectional") direction = Direction::both;
    if (way == "reverse") direction = Direction::backward;
    if (way != "forward" && direction == Direction::forward) invalid("direction \"{}\"", way);
    d = directions(direction);
    if (c.shape(0).rank() != 3 || c.shape(1).rank() != 3 || c.shape(2).rank() != 3) {
      invalid("input {}, weights {} and {}", c.shape(0).to_string(), c.shape(1).to_string(),
              c.shape(2).to_string());
    }
    hidden = c.attribute("hidden_size", c.shape(2)[2]);
    const auto count = static_cast<std::int64_t>(gates);
    if (hidden != c.shape(2)[2] || c.shape(1)[1] % count != 0 || c.shape(1)[1] / count != hidden) {
      invalid("a hidden size of {} for weights {}", hidden, c.shape(1).to_string());
    }
    x = batch_first ? c.in(0) : b.transpose(c.in(0), {1, 0, 2});
    batch = b.shape(x)[0];
    clip = static_cast<float>(c.attribute("clip", 0.0));
  }

  /// Gates along an axis in torch's order.
  Value reordered(Value value, std::size_t axis, const std::vector<std::int64_t>& order) {
    std::vector<Value> parts;
    for (const std::int64_t gate : order)
      parts.push_back(b.slice(value, axis, gate * hidden, hidden));
    return b.concat(parts, axis);
  }

  /// [D][B][H] of an initial state; one that is constant is carried where that is wanted.
  Value state(std::size_t input, const char* name) {
    Value given = c.optional(input);
    if (given.present() && batch_first) given = b.transpose(given, {1, 0, 2});
    const bool constant = !given.present() || b.is_constant(given);
    if (!c.carry_states || direction != Direction::forward || !constant) return given;
    const Shape shape{d, batch, hidden};
    b.check_room(static_cast<double>(shape.size()));
    Tensor initial = given.present() ? Tensor(b.tensor(given)) : Tensor(shape, b.type(x));
    const std::string layer = c.node().name.empty() ? c.node().outputs.at(0) : c.node().name;
    const Value carried = b.graph().state(layer + "." + name, std::move(initial));
    carried_.push_back({input, carried});
    return carried;
  }
  void carry(std::size_t input, Value last) {
    for (const auto& [which, value] : carried_) {
      if (which == input) b.graph().update(value, last);
    }
  }

  Value lengths() { return c.optional(4); }

  /// y[B][T][D · H] as [T][D][B][H] or [B][T][D][H]; a state as [D][B][H] or [B][D][H].
  Value sequence(Value y) {
    const Value split = b.reshape(y, {batch, b.shape(x)[1], d, hidden});
    return batch_first ? split : b.transpose(split, {1, 2, 0, 3});
  }
  Value last(Value state) { return batch_first ? b.transpose(state, {1, 0, 2}) : state; }

  /// Empty for torch's own functions.
  std::vector<RecurrentActivation> activations(const std::vector<std::string>& own);

  Call& c;
  Builder& b;
  bool batch_first = false;
  Direction direction = Direction::forward;
  std::int64_t d = 1;
  std::int64_t hidden = 0;
  std::int64_t batch = 0;
  Value x;
  float clip = 0;

 private:
  std::vector<std::pair<std::size_t, Value>> carried_;
};

std::string lower(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// Takes alpha and beta from their lists, in the order of the functions that have them.
class ActivationReader {
 public:
  explicit ActivationReader(const Call& c)
      : alphas_(c.attribute_floats("activation_alpha").value_or(std::vector<float>{})),
        betas_(c.attribute_floats("activation_beta").value_or(std::vector<float>{})) {}

  RecurrentActivation read(const std::string& name) {
    if (name == "tanh") return {U::tanh};
    if (name == "sigmoid") return {U::sigmoid};
    if (name == "relu") return {U::relu};
    if (name == "softsign") return {U::softsign};
    if (name == "softplus") return {U::softplus};
    if (name == "leakyrelu") return {U::leaky_relu, alpha(0.01)};
    if (name == "thresholdedrelu") return {U::thresholded_relu, alpha(1)};
    if (name == "elu") return {U::elu, alpha(1)};
    if (name == "hardsigmoid") {
      const double first = alpha(0.2);
      return {U::hard_sigmoid, first, beta(0.5)};
    }
    RecurrentActivation made;
    if (name == "scaledtanh") {
      made.outer = alpha(1);
      made.inner = beta(1);
    } else if (name == "affine") {
      made.function = U::identity;
      made.outer = alpha(1);
      made.offset = beta(0);
    } else {
      unsupported("activation {}", name);
    }
    return made;
  }

 private:
  double alpha(double otherwise) {
    return next_alpha_ < alphas_.size() ? static_cast<double>(alphas_[next_alpha_++]) : otherwise;
  }
  double beta(double otherwise) {
    return next_beta_ < betas_.size() ? static_cast<double>(betas_[next_beta_++]) : otherwise;
  }

  std::vector<float> alphas_;
  std::vector<float> betas_;
  std::size_t next_alpha_ = 0;
  std::size_t next_beta_ = 0;
};

std::vector<RecurrentActivation> Layer::activations(const std::vector<std::string>& own) {
  const std::vector<std::string> given = c.attribute_strings("activations");
  if (given.empty()) return {};
  const std::size_t needed = own.size() * static_cast<std::size_t>(d);
  if (given.size() != needed) invalid("{} activations, expected {}", given.size(), needed);
  ActivationReader reader(c);
  std::vector<RecurrentActivation> made;
  bool same = true;
  for (std::size_t i = 0; i < given.size(); ++i) {
    same = same && lower(given[i]) == own[i % own.size()];
    made.push_back(reader.read(lower(given[i])));
  }
  return same ? std::vector<RecurrentActivation>{} : made;
}

/// Inputs X, W, R, B, sequence_lens, initial_h, initial_c, P; gates i, o, f, c.
Results lstm(Call& c) {
  Layer layer(c, 4);
  Builder& b = c.b;
  const std::int64_t h = layer.hidden;
  const Integers order{0, 2, 3, 1};
  Value bias{};
  if (c.has(3)) {
    if (c.shape(3) != Shape{layer.d, 8 * h}) invalid("bias {}", c.shape(3).to_string());
    const Value sum = b.add(b.slice(c.weight(3), 1, 0, 4 * h), b.slice(c.in(3), 1, 4 * h, 4 * h));
    bias = layer.reordered(sum, 1, order);
  }
  Lstm lstm;
  lstm.direction = layer.direction;
  lstm.activations = layer.activations({"sigmoid", "tanh", "tanh"});
  lstm.clip = layer.clip;
  lstm.coupled = c.attribute("input_forget", std::int64_t{0}) != 0;
  const Results results = b.apply_all(
      lstm, {layer.x, layer.reordered(c.weight(1), 1, order),
             layer.reordered(c.weight(2), 1, order), bias, layer.state(5, "hidden"),
             layer.state(6, "cell"), c.has(7) ? c.weight(7) : Value{}, layer.lengths()});
  layer.carry(5, results[Lstm::last_hidden]);
  layer.carry(6, results[Lstm::last_cell]);
  return {layer.sequence(results[0]), layer.last(results[1]), layer.last(results[2])};
}

/// Inputs X, W, R, B, sequence_lens, initial_h; gates z, r, h.
Results gru(Call& c) {
  Layer layer(c, 3);
  Builder& b = c.b;
  const std::int64_t h = layer.hidden;
  const Integers order{1, 0, 2};
  Value bias{};
  if (c.has(3)) {
    if (c.shape(3) != Shape{layer.d, 6 * h}) invalid("bias {}", c.shape(3).to_string());
    bias = layer.reordered(b.reshape(c.weight(3), {layer.d, 2, 3 * h}), 2, order);
  }
  Gru gru;
  gru.direction = layer.direction;
  gru.reset_after = c.attribute("linear_before_reset", std::int64_t{0}) != 0;
  gru.activations = layer.activations({"sigmoid", "tanh"});
  gru.clip = layer.clip;
  const Results results = b.apply_all(
      gru, {layer.x, layer.reordered(c.weight(1), 1, order), layer.reordered(c.weight(2), 1, order),
            bias, layer.state(5, "hidden"), layer.lengths()});
  layer.carry(5, results[Gru::last_hidden]);
  return {layer.sequence(results[0]), layer.last(results[1])};
}

/// Inputs X, W, R, B, sequence_lens, initial_h.
Results rnn(Call& c) {
  Layer layer(c, 1);
  Builder& b = c.b;
  const std::int64_t h = layer.hidden;
  Value bias{};
  if (c.has(3)) {
    if (c.shape(3) != Shape{layer.d, 2 * h}) invalid("bias {}", c.shape(3).to_string());
    bias = b.add(b.slice(c.weight(3), 1, 0, h), b.slice(c.in(3), 1, h, h));
  }
  Rnn rnn;
  rnn.direction = layer.direction;
  rnn.activations = layer.activations({"tanh"});
  rnn.clip = layer.clip;
  const Results results = b.apply_all(
      rnn, {layer.x, c.weight(1), c.weight(2), bias, layer.state(5, "hidden"), layer.lengths()});
  layer.carry(5, results[Rnn::last_hidden]);
  return {layer.sequence(results[0]), layer.last(results[1])};
}

constexpr ImportEntry kEntries[] = {{"GRU", gru}, {"LSTM", lstm}, {"RNN", rnn}};

}  // namespace

std::span<const ImportEntry> recurrent_imports() { return kEntries; }

}  // namespace metalaudio::nn
