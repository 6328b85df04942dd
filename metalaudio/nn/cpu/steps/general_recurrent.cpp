#include <metalaudio/nn/cpu/steps/general.h>
#include <metalaudio/nn/cpu/steps/indices.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/scalar_functions.h>

#include <optional>

namespace metalaudio::nn::cpu {

namespace {

/// What a layer applies, with its clipping.
struct Activations {
  template <typename Layer>
  Activations(const Layer& layer, std::vector<RecurrentActivation> usual)
      : each(usual.size()), clip(static_cast<double>(layer.clip)), all(layer.activations) {
    while (all.size() < each * static_cast<std::size_t>(directions(layer.direction))) {
      all.insert(all.end(), usual.begin(), usual.end());
    }
  }

  double operator()(std::size_t direction, std::size_t which, double x) const noexcept {
    const RecurrentActivation& a = all[direction * each + which];
    if (clip > 0) x = std::clamp(x, -clip, clip);
    return a.outer * apply(a.function, a.inner * x, a.alpha, a.beta) + a.offset;
  }

  std::size_t each;
  double clip;
  std::vector<RecurrentActivation> all;
};

/// What a cell sees of one token: the weights of its direction, x, and room for h, c and the gates.
template <typename T>
struct Token {
  std::size_t direction;
  std::size_t depth;
  std::size_t size;
  const T* x;
  const T* input_weight;
  const T* hidden_weight;
  const T* bias;      ///< null: zeros
  const T* peephole;  ///< null: none
  double* h;
  double* c;
  double* gates;

  double product(const T* weight, const T* v, std::size_t n, std::size_t row) const noexcept {
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      sum += static_cast<double>(weight[row * n + k]) * static_cast<double>(v[k]);
    }
    return sum;
  }
  double from_input(std::size_t row) const noexcept { return product(input_weight, x, depth, row); }
  double from_hidden(std::size_t row, const double* v) const noexcept {
    double sum = 0;
    for (std::size_t k = 0; k < size; ++k) {
      sum += static_cast<double>(hidden_weight[row * size + k]) * v[k];
    }
    return sum;
  }
  double bias_of(std::size_t row) const noexcept {
    return bias == nullptr ? 0.0 : static_cast<double>(bias[row]);
  }
};

struct LstmCell {
  explicit LstmCell(const Lstm& lstm)
      : coupled(lstm.coupled),
        act(lstm, {{UnaryFunction::sigmoid}, {UnaryFunction::tanh}, {UnaryFunction::tanh}}) {}

  static constexpr std::size_t kGates = 4;
  static constexpr std::size_t kBiases = 4;

  template <typename T>
  void operator()(const Token<T>& t) const noexcept {
    for (std::size_t row = 0; row < 4 * t.size; ++row) {
      t.gates[row] = t.from_input(row) + t.from_hidden(row, t.h) + t.bias_of(row);
    }
    const auto peep = [&](std::size_t which, std::size_t n) {
      return t.peephole == nullptr ? 0.0 : static_cast<double>(t.peephole[which * t.size + n]);
    };
    for (std::size_t n = 0; n < t.size; ++n) {
      const double old = t.c[n];
      const double in = act(t.direction, 0, t.gates[n] + peep(0, n) * old);
      const double forget =
          coupled ? 1 - in : act(t.direction, 0, t.gates[t.size + n] + peep(2, n) * old);
      const double candidate = act(t.direction, 1, t.gates[2 * t.size + n]);
      t.c[n] = forget * old + in * candidate;
      const double out = act(t.direction, 0, t.gates[3 * t.size + n] + peep(1, n) * t.c[n]);
      t.h[n] = out * act(t.direction, 2, t.c[n]);
    }
  }

  bool coupled;
  Activations act;
};

struct GruCell {
  explicit GruCell(const Gru& gru)
      : reset_after(gru.reset_after), act(gru, {{UnaryFunction::sigmoid}, {UnaryFunction::tanh}}) {}

  static constexpr std::size_t kGates = 3;
  static constexpr std::size_t kBiases = 6;

  template <typename T>
  void operator()(const Token<T>& t) const noexcept {
    double* reset = t.gates;
    double* update = t.gates + t.size;
    double* candidate = t.gates + 2 * t.size;
    double* scaled = t.gates + 3 * t.size;
    for (std::size_t n = 0; n < 2 * t.size; ++n) {
      t.gates[n] =
          act(t.direction, 0,
              t.from_input(n) + t.from_hidden(n, t.h) + t.bias_of(n) + t.bias_of(3 * t.size + n));
    }
    for (std::size_t n = 0; n < t.size; ++n) scaled[n] = reset[n] * t.h[n];
    for (std::size_t n = 0; n < t.size; ++n) {
      const std::size_t row = 2 * t.size + n;
      const double bias = t.bias_of(5 * t.size + n);
      const double hidden = reset_after ? reset[n] * (t.from_hidden(row, t.h) + bias)
                                        : t.from_hidden(row, scaled) + bias;
      candidate[n] = act(t.direction, 1, t.from_input(row) + t.bias_of(row) + hidden);
    }
    for (std::size_t n = 0; n < t.size; ++n) {
      t.h[n] = (1 - update[n]) * candidate[n] + update[n] * t.h[n];
    }
  }

  bool reset_after;
  Activations act;
};

struct RnnCell {
  explicit RnnCell(const Rnn& rnn)
      : act(rnn, {{rnn.relu ? UnaryFunction::relu : UnaryFunction::tanh}}) {}

  static constexpr std::size_t kGates = 1;
  static constexpr std::size_t kBiases = 1;

  template <typename T>
  void operator()(const Token<T>& t) const noexcept {
    for (std::size_t n = 0; n < t.size; ++n) {
      t.gates[n] = act(t.direction, 0, t.from_input(n) + t.from_hidden(n, t.h) + t.bias_of(n));
    }
    std::copy_n(t.gates, t.size, t.h);
  }

  Activations act;
};

/// One unit is a sequence of the batch in one direction; its state and gates are double.
template <typename T, typename Cell>
class GeneralRecurrentStep final : public CpuStep {
 public:
  template <typename Layer>
  GeneralRecurrentStep(const Layer& layer, const Node& node, StepMaker& maker)
      : cell_(layer), direction_(layer.direction) {
    for (const Value input : node.inputs) inputs_.push_back(maker.slot(input));
    for (const Value result : node.results) results_.push_back(maker.slot(result));
    const Value lengths = node.inputs[Layer::lengths];
    if (lengths.present()) lengths_.emplace(lengths, maker);
    if constexpr (std::is_same_v<Layer, Lstm>) peephole_ = inputs_[Lstm::peephole];
    const Shape& in = maker.graph().shape(node.inputs[0]);
    batch_ = static_cast<std::size_t>(in[0]);
    tokens_ = static_cast<std::size_t>(in[1]);
    depth_ = static_cast<std::size_t>(in[2]);
    size_ = static_cast<std::size_t>(maker.graph().shape(node.inputs[2])[2]);
    directions_ = static_cast<std::size_t>(directions(layer.direction));
    room_ = maker.temporary(directions_ * batch_ * kRows * size_ * sizeof(double));
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_for(directions_ * batch_, [&](std::size_t unit, ThreadScratch&) {
      walk(run, unit % directions_, unit / directions_);
    });
  }

 private:
  static constexpr std::size_t kRows = 6;  // h, c, and at most four of gates

  void walk(const CpuRun& run, std::size_t direction, std::size_t batch) const noexcept {
    const std::size_t unit = direction * batch_ + batch;
    double* room = run.at<double>(room_) + unit * kRows * size_;
    Token<T> t{direction, depth_,  size_, nullptr,      nullptr,         nullptr,
               nullptr,   nullptr, room,  room + size_, room + 2 * size_};
    t.input_weight = run.at<const T>(inputs_[1]) + direction * Cell::kGates * size_ * depth_;
    t.hidden_weight = run.at<const T>(inputs_[2]) + direction * Cell::kGates * size_ * size_;
    t.bias = of_direction(run, inputs_[3], direction, Cell::kBiases);
    t.peephole = of_direction(run, peephole_, direction, 3);
    load(run, inputs_[4], unit, t.h);
    load(run, results_.size() > 2 ? inputs_[5] : Slot{}, unit, t.c);
    const std::size_t length = length_of(run, batch);
    const bool back = direction_ == Direction::backward || direction == 1;
    T* y = run.at<T>(results_[0]) + (batch * tokens_ * directions_ + direction) * size_;
    for (std::size_t i = 0; i < tokens_; ++i) {
      const bool inside = i < length;
      const std::size_t token = back && inside ? length - 1 - i : i;
      t.x = run.at<const T>(inputs_[0]) + (batch * tokens_ + token) * depth_;
      if (inside) cell_(t);
      T* to = y + token * directions_ * size_;
      for (std::size_t n = 0; n < size_; ++n) to[n] = inside ? static_cast<T>(t.h[n]) : T{};
    }
    store(run, results_[1], unit, t.h);
    if (results_.size() > 2) store(run, results_[2], unit, t.c);
  }

  std::size_t length_of(const CpuRun& run, std::size_t batch) const noexcept {
    if (!lengths_) return tokens_;
    const std::int64_t length = lengths_->reader(run).at(batch);
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(length, 0, static_cast<std::int64_t>(tokens_)));
  }

  const T* of_direction(const CpuRun& run, Slot slot, std::size_t direction,
                        std::size_t rows) const noexcept {
    const T* all = run.at<const T>(slot);
    return all == nullptr ? nullptr : all + direction * rows * size_;
  }
  void load(const CpuRun& run, Slot state, std::size_t unit, double* to) const noexcept {
    const T* from = run.at<const T>(state);
    for (std::size_t n = 0; n < size_; ++n) {
      to[n] = from == nullptr ? 0.0 : static_cast<double>(from[unit * size_ + n]);
    }
  }
  void store(const CpuRun& run, Slot state, std::size_t unit, const double* from) const noexcept {
    T* to = run.at<T>(state);
    for (std::size_t n = 0; n < size_; ++n) to[unit * size_ + n] = static_cast<T>(from[n]);
  }

  Cell cell_;
  Direction direction_;
  std::vector<Slot> inputs_;
  std::vector<Slot> results_;
  Slot peephole_;
  Slot room_;
  std::optional<IndexSlot> lengths_;
  std::size_t batch_ = 0;
  std::size_t tokens_ = 0;
  std::size_t depth_ = 0;
  std::size_t size_ = 0;
  std::size_t directions_ = 1;
};

template <typename Cell, typename Layer>
std::unique_ptr<Step> make(const Layer& layer, const Node& node, StepMaker& maker) {
  if (maker.graph().type(node.inputs[0]).type == DataType::f64) {
    return std::make_unique<GeneralRecurrentStep<double, Cell>>(layer, node, maker);
  }
  return std::make_unique<GeneralRecurrentStep<float, Cell>>(layer, node, maker);
}

}  // namespace

std::unique_ptr<Step> make_general(const Lstm& lstm, const Node& node, StepMaker& maker) {
  return make<LstmCell>(lstm, node, maker);
}
std::unique_ptr<Step> make_general(const Gru& gru, const Node& node, StepMaker& maker) {
  return make<GruCell>(gru, node, maker);
}
std::unique_ptr<Step> make_general(const Rnn& rnn, const Node& node, StepMaker& maker) {
  return make<RnnCell>(rnn, node, maker);
}

}  // namespace metalaudio::nn::cpu
