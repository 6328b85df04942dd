#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/cpu/vector_kernels.h>

#include <cmath>
#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// What the three layers have in common: one unit is a sequence of the batch in one direction. The
/// weights of a direction lie as [depth][gates][padded], the hidden size padded to whole vectors.
class RecurrentStep : public CpuStep {
 public:
  RecurrentStep(const Node& node, Direction direction, std::size_t gates, StepMaker& maker)
      : gates_(gates),
        direction_(direction),
        x_(maker.slot(node.inputs[0])),
        hidden_(maker.slot(node.inputs[4])),
        y_(maker.slot(node.results[0])),
        last_hidden_(maker.slot(node.results[1])) {
    const Graph& graph = maker.graph();
    const Shape& in = graph.shape(node.inputs[0]);
    const Shape& weight = graph.shape(node.inputs[2]);
    batch_ = static_cast<std::size_t>(in[0]);
    tokens_ = static_cast<std::size_t>(in[1]);
    depth_ = static_cast<std::size_t>(in[2]);
    size_ = static_cast<std::size_t>(weight[2]);
    directions_ = static_cast<std::size_t>(weight[0]);
    const std::size_t lanes = gate_lanes();
    padded_ = (size_ + lanes - 1) / lanes * lanes;
    input_weight_ = pack(floats_of(graph, node.inputs[1]), depth_);
    hidden_weight_ = pack(floats_of(graph, node.inputs[2]), size_);
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_for(batch_ * directions_, [&](std::size_t unit, ThreadScratch& scratch) {
      walk(run, unit % directions_, unit / directions_, scratch.floats.data());
    });
  }

  std::size_t weight_bytes() const noexcept override {
    return (input_weight_.size() + hidden_weight_.size() + bias_.size()) * sizeof(float);
  }
  ScratchNeeds scratch() const noexcept override { return {scratch_rows() * padded_, {}}; }

 protected:
  /// How many rows of `padded_` floats a unit works in; the first is its hidden state.
  virtual std::size_t scratch_rows() const noexcept = 0;
  virtual void begin(const CpuRun&, std::size_t, std::size_t, float*) const noexcept {}
  virtual void end(const CpuRun&, std::size_t, std::size_t, const float*) const noexcept {}
  /// One token: scratch[0] holds h and is replaced.
  virtual void step(std::size_t direction, const float* x, float* scratch) const noexcept = 0;

  /// [D][gates · size][depth] to [D][depth][gates][padded].
  Array<float> pack(const Array<float>& from, std::size_t depth) const {
    Array<float> to(directions_ * depth * gates_ * padded_);
    for (std::size_t d = 0; d < directions_; ++d) {
      for (std::size_t n = 0; n < gates_ * size_; ++n) {
        for (std::size_t k = 0; k < depth; ++k) {
          to[((d * depth + k) * gates_ + n / size_) * padded_ + n % size_] =
              from[(d * gates_ * size_ + n) * depth + k];
        }
      }
    }
    return to;
  }
  /// [rows][gates · size] to [rows][gates][padded].
  Array<float> pad(const Array<float>& from, std::size_t gates) const {
    const std::size_t rows = from.size() / (gates * size_);
    Array<float> to(rows * gates * padded_);
    for (std::size_t i = 0; i < from.size(); ++i) to[i / size_ * padded_ + i % size_] = from[i];
    return to;
  }

  const float* input_weight(std::size_t direction) const noexcept {
    return input_weight_.data() + direction * depth_ * gates_ * padded_;
  }
  const float* hidden_weight(std::size_t direction) const noexcept {
    return hidden_weight_.data() + direction * size_ * gates_ * padded_;
  }
  /// A state [D][batch][size], one row of it to or from scratch; zeros where there is none.
  void load(const CpuRun& run, Slot state, std::size_t direction, std::size_t batch,
            float* to) const noexcept {
    std::memset(to, 0, padded_ * sizeof(float));
    if (const float* from = run.at<const float>(state)) {
      std::memcpy(to, from + (direction * batch_ + batch) * size_, size_ * sizeof(float));
    }
  }
  void store(const CpuRun& run, Slot state, std::size_t direction, std::size_t batch,
             const float* from) const noexcept {
    if (float* to = run.at(state)) {
      std::memcpy(to + (direction * batch_ + batch) * size_, from, size_ * sizeof(float));
    }
  }

  std::size_t gates_;
  Direction direction_;
  Slot x_;
  Slot hidden_;
  Slot y_;
  Slot last_hidden_;
  std::size_t batch_ = 0;
  std::size_t tokens_ = 0;
  std::size_t depth_ = 0;
  std::size_t size_ = 0;
  std::size_t padded_ = 0;
  std::size_t directions_ = 1;
  Array<float> input_weight_;
  Array<float> hidden_weight_;
  Array<float> bias_;

 private:
  void walk(const CpuRun& run, std::size_t direction, std::size_t batch,
            float* scratch) const noexcept {
    load(run, hidden_, direction, batch, scratch);
    begin(run, direction, batch, scratch);
    const bool back = direction_ == Direction::backward || direction == 1;
    const float* x = run.at<const float>(x_) + batch * tokens_ * depth_;
    float* y = run.at(y_) + batch * tokens_ * directions_ * size_ + direction * size_;
    for (std::size_t i = 0; i < tokens_; ++i) {
      const std::size_t token = back ? tokens_ - 1 - i : i;
      step(direction, x + token * depth_, scratch);
      std::memcpy(y + token * directions_ * size_, scratch, size_ * sizeof(float));
    }
    store(run, last_hidden_, direction, batch, scratch);
    end(run, direction, batch, scratch);
  }
};

/// Scratch: h, c, and the sums of i, f, g, o.
class LstmStep final : public RecurrentStep {
 public:
  LstmStep(const Lstm& lstm, const Node& node, StepMaker& maker)
      : RecurrentStep(node, lstm.direction, 4, maker),
        cell_(maker.slot(node.inputs[Lstm::cell])),
        last_cell_(maker.slot(node.results[Lstm::last_cell])) {
    const Graph& graph = maker.graph();
    if (node.inputs[Lstm::bias].present())
      bias_ = pad(floats_of(graph, node.inputs[Lstm::bias]), 4);
    if (node.inputs[Lstm::peephole].present()) {
      peephole_ = pad(floats_of(graph, node.inputs[Lstm::peephole]), 3);
    }
  }

 private:
  std::size_t scratch_rows() const noexcept override { return 6; }
  void begin(const CpuRun& run, std::size_t direction, std::size_t batch,
             float* scratch) const noexcept override {
    load(run, cell_, direction, batch, scratch + padded_);
  }
  void end(const CpuRun& run, std::size_t direction, std::size_t batch,
           const float* scratch) const noexcept override {
    store(run, last_cell_, direction, batch, scratch + padded_);
  }
  void step(std::size_t direction, const float* x, float* scratch) const noexcept override {
    float* sums = scratch + 2 * padded_;
    const float* bias = bias_.empty() ? nullptr : bias_.data() + direction * 4 * padded_;
    multiply_vector(x, depth_, input_weight(direction), 4 * padded_, bias, sums);
    multiply_vector(scratch, size_, hidden_weight(direction), 4 * padded_, sums, sums);
    const float* peephole =
        peephole_.empty() ? nullptr : peephole_.data() + direction * 3 * padded_;
    lstm_cell(sums, peephole, padded_, scratch + padded_, scratch);
  }

  Slot cell_;
  Slot last_cell_;
  Array<float> peephole_;
};

/// Scratch: h, the input's sums of r, z, n, and the hidden ones.
class GruStep final : public RecurrentStep {
 public:
  GruStep(const Gru& gru, const Node& node, StepMaker& maker)
      : RecurrentStep(node, gru.direction, 3, maker), reset_after_(gru.reset_after) {
    if (node.inputs[Gru::bias].present()) {
      bias_ = pad(floats_of(maker.graph(), node.inputs[Gru::bias]), 3);
    }
  }

 private:
  std::size_t scratch_rows() const noexcept override { return 7; }
  void step(std::size_t direction, const float* x, float* scratch) const noexcept override {
    float* input = scratch + padded_;
    float* hidden = scratch + 4 * padded_;
    const float* bias = bias_.empty() ? nullptr : bias_.data() + direction * 6 * padded_;
    const float* hidden_bias = bias == nullptr ? nullptr : bias + 3 * padded_;
    multiply_vector(x, depth_, input_weight(direction), 3 * padded_, bias, input);
    if (reset_after_) {
      multiply_vector(scratch, size_, hidden_weight(direction), 3 * padded_, hidden_bias, hidden);
      gru_cell(input, hidden, padded_, scratch);
      return;
    }
    reset_before(direction, hidden_bias, scratch);
  }

  /// n = tanh(W x + R (r · h) + b): the candidate's product needs r first.
  void reset_before(std::size_t direction, const float* hidden_bias,
                    float* scratch) const noexcept {
    float* input = scratch + padded_;
    float* hidden = scratch + 4 * padded_;
    const float* weight = hidden_weight(direction);
    multiply_vector(scratch, size_, weight, 3 * padded_, hidden_bias, hidden);
    const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
    float* reset = hidden;
    for (std::size_t n = 0; n < size_; ++n) {
      reset[n] =
          static_cast<float>(sigmoid(static_cast<double>(input[n]) + hidden[n])) * scratch[n];
    }
    for (std::size_t n = 0; n < size_; ++n) {
      double sum = input[2 * padded_ + n];
      if (hidden_bias != nullptr) sum += hidden_bias[2 * padded_ + n];
      for (std::size_t k = 0; k < size_; ++k) {
        sum += static_cast<double>(reset[k]) * weight[(k * 3 + 2) * padded_ + n];
      }
      hidden[2 * padded_ + n] = static_cast<float>(std::tanh(sum));
    }
    for (std::size_t n = 0; n < size_; ++n) {
      const double z = sigmoid(static_cast<double>(input[padded_ + n]) + hidden[padded_ + n]);
      scratch[n] = static_cast<float>((1 - z) * hidden[2 * padded_ + n] + z * scratch[n]);
    }
  }

  bool reset_after_;
};

/// Scratch: h and its sum.
class RnnStep final : public RecurrentStep {
 public:
  RnnStep(const Rnn& rnn, const Node& node, StepMaker& maker)
      : RecurrentStep(node, rnn.direction, 1, maker),
        function_(rnn.relu ? UnaryFunction::relu : UnaryFunction::tanh) {
    if (node.inputs[Rnn::bias].present()) {
      bias_ = pad(floats_of(maker.graph(), node.inputs[Rnn::bias]), 1);
    }
  }

 private:
  std::size_t scratch_rows() const noexcept override { return 2; }
  void step(std::size_t direction, const float* x, float* scratch) const noexcept override {
    float* sum = scratch + padded_;
    const float* bias = bias_.empty() ? nullptr : bias_.data() + direction * padded_;
    multiply_vector(x, depth_, input_weight(direction), padded_, bias, sum);
    multiply_vector(scratch, size_, hidden_weight(direction), padded_, sum, sum);
    map(function_, 0, 0, sum, padded_, scratch);
  }

  UnaryFunction function_;
};

}  // namespace

std::unique_ptr<Step> make_lstm(const Lstm& lstm, const Node& node, StepMaker& maker) {
  return std::make_unique<LstmStep>(lstm, node, maker);
}
std::unique_ptr<Step> make_gru(const Gru& gru, const Node& node, StepMaker& maker) {
  return std::make_unique<GruStep>(gru, node, maker);
}
std::unique_ptr<Step> make_rnn(const Rnn& rnn, const Node& node, StepMaker& maker) {
  return std::make_unique<RnnStep>(rnn, node, maker);
}

}  // namespace metalaudio::nn::cpu
