#include <metalaudio/nn/cuda/kernels/matmul.h>
#include <metalaudio/nn/cuda/kernels/recurrent.h>
#include <metalaudio/nn/cuda/steps/steps.h>

#include <type_traits>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

template <typename Operation>
constexpr Cell kCell = std::is_same_v<Operation, Lstm>  ? Cell::lstm
                       : std::is_same_v<Operation, Gru> ? Cell::gru
                                                        : Cell::rnn;

CellActivation activation_of(const RecurrentActivation& activation) {
  return {activation.function,
          static_cast<float>(activation.alpha),
          static_cast<float>(activation.beta),
          static_cast<float>(activation.inner),
          static_cast<float>(activation.outer),
          static_cast<float>(activation.offset)};
}

template <typename Operation>
RecurrentShape shape_of(const Operation& operation, const Graph& graph, const Node& node) {
  const Shape& x = graph.shape(node.inputs[Operation::x]);
  const Shape& weight = graph.shape(node.inputs[Operation::hidden_weight]);
  RecurrentShape shape;
  shape.cell = kCell<Operation>;
  shape.batch = x[0];
  shape.tokens = x[1];
  shape.hidden = static_cast<int>(weight[2]);
  shape.gates = shape.cell == Cell::lstm ? 4 : shape.cell == Cell::gru ? 3 : 1;
  shape.directions = static_cast<int>(directions(operation.direction));
  shape.backward = operation.direction == Direction::backward;
  shape.clip = operation.clip;
  std::vector<UnaryFunction> usual = {UnaryFunction::sigmoid, UnaryFunction::tanh,
                                      UnaryFunction::tanh};
  if constexpr (kCell<Operation> == Cell::lstm) {
    shape.coupled = operation.coupled;
  } else if constexpr (kCell<Operation> == Cell::gru) {
    shape.reset_after = operation.reset_after;
    usual.resize(2);
  } else {
    usual = {operation.relu ? UnaryFunction::relu : UnaryFunction::tanh};
  }
  for (std::size_t d = 0; d < static_cast<std::size_t>(shape.directions); ++d) {
    for (std::size_t i = 0; i < usual.size(); ++i) {
      shape.activations[d][i] = activation_of(operation.activations.empty()
                                                  ? RecurrentActivation{usual[i]}
                                                  : operation.activations[d * usual.size() + i]);
    }
  }
  if (operation.lengths < node.inputs.size() && node.inputs[operation.lengths].present()) {
    shape.wide_lengths = graph.type(node.inputs[operation.lengths]).type == DataType::i64;
  }
  return shape;
}

/// [D][rows][columns] -> [D][columns][rows].
std::vector<float> turned(const std::vector<float>& from, std::size_t count, std::size_t rows,
                          std::size_t columns) {
  std::vector<float> to(from.size());
  for (std::size_t d = 0; d < count; ++d) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        to[(d * columns + c) * rows + r] = from[(d * rows + r) * columns + c];
      }
    }
  }
  return to;
}

/// All input products of all tokens are one product; then every sequence is walked by one block.
template <typename Operation>
class RecurrentStep final : public CudaStep {
 public:
  RecurrentStep(const Operation& operation, const Making& making)
      : shape_(shape_of(operation, making.graph(), making.node)),
        x_(making.input(Operation::x)),
        hidden_(making.input(Operation::hidden)),
        lengths_(making.input(Operation::lengths)),
        y_(making.result(0)),
        last_hidden_(making.result(1)) {
    const auto count = static_cast<std::size_t>(shape_.directions);
    const auto rows = static_cast<std::size_t>(shape_.rows());
    const auto hidden = static_cast<std::size_t>(shape_.hidden);
    const auto in = static_cast<std::size_t>(making.type(Operation::x).shape[2]);
    const auto floats = [&](std::size_t input) {
      return floats_of(making.graph(), making.node.inputs[input]);
    };
    input_weight_ =
        DeviceArray(turned(floats(Operation::input_weight), 1, count * rows, in), making.device);
    hidden_weight_ =
        DeviceArray(turned(floats(Operation::hidden_weight), count, rows, hidden), making.device);
    if (making.has(Operation::bias)) take_bias(floats(Operation::bias), making.device);
    if constexpr (std::is_same_v<Operation, Lstm>) {
      if (making.has(Lstm::peephole)) {
        peephole_ = DeviceArray(floats(Lstm::peephole), making.device);
      }
      cell_ = making.input(Lstm::cell);
      last_cell_ = making.result(Lstm::last_cell);
    }
    projection_shape_.m = shape_.batch * shape_.tokens;
    projection_shape_.n = static_cast<std::int64_t>(count * rows);
    projection_shape_.k = static_cast<std::int64_t>(in);
    projection_ = making.maker.temporary(
        static_cast<std::size_t>(projection_shape_.m * projection_shape_.n) * sizeof(float));
  }

  void run(const CudaRun& run) const noexcept override {
    auto* const projection = run.at<float>(projection_);
    launch_matmul(DataType::f32, run.at(x_), input_weight_.as<float>(), projection,
                  projection_shape_, run.stream);
    RecurrentPointers at;
    at.projection = projection;
    at.weight = hidden_weight_.as<float>();
    at.input_bias = input_bias_.as<float>();
    at.hidden_bias = hidden_bias_.as<float>();
    at.peephole = peephole_.as<float>();
    at.first_hidden = run.at<float>(hidden_);
    at.first_cell = run.at<float>(cell_);
    at.lengths = run.at(lengths_);
    at.y = run.at<float>(y_);
    at.last_hidden = run.at<float>(last_hidden_);
    at.last_cell = run.at<float>(last_cell_);
    launch_recurrent(shape_, at, run.stream);
  }

  std::size_t weight_bytes() const noexcept override {
    return input_weight_.bytes() + hidden_weight_.bytes() + input_bias_.bytes() +
           hidden_bias_.bytes() + peephole_.bytes();
  }

 private:
  /// A GRU has one for each product: [D][2][rows].
  void take_bias(const std::vector<float>& bias, const std::shared_ptr<AudioDevice>& device) {
    if (shape_.cell != Cell::gru) {
      input_bias_ = DeviceArray(bias, device);
      return;
    }
    const auto rows = static_cast<std::ptrdiff_t>(shape_.rows());
    std::vector<float> input;
    std::vector<float> hidden;
    for (auto from = bias.begin(); from != bias.end(); from += 2 * rows) {
      input.insert(input.end(), from, from + rows);
      hidden.insert(hidden.end(), from + rows, from + 2 * rows);
    }
    input_bias_ = DeviceArray(input, device);
    hidden_bias_ = DeviceArray(hidden, device);
  }

  RecurrentShape shape_;
  MatMulShape projection_shape_;
  DeviceArray input_weight_;
  DeviceArray hidden_weight_;
  DeviceArray input_bias_;
  DeviceArray hidden_bias_;
  DeviceArray peephole_;
  Slot x_;
  Slot hidden_;
  Slot cell_;
  Slot lengths_;
  Slot projection_;
  Slot y_;
  Slot last_hidden_;
  Slot last_cell_;
};

template <typename Operation>
std::string refusal(const Graph& graph, const Node& node) {
  if (graph.shape(node.inputs[Operation::hidden_weight])[2] > kMostHidden) {
    return "its state is too large";
  }
  const auto is_f32 = [&](std::size_t input) {
    return input >= node.inputs.size() || !node.inputs[input].present() ||
           graph.type(node.inputs[input]).type == DataType::f32;
  };
  bool takes = is_f32(Operation::x) && is_f32(Operation::hidden);
  if constexpr (std::is_same_v<Operation, Lstm>) takes = takes && is_f32(Lstm::cell);
  return takes ? "" : "there is a kernel for f32 only";
}

}  // namespace

std::string refusal_of(const Lstm&, const Graph& graph, const Node& node) {
  return refusal<Lstm>(graph, node);
}
std::unique_ptr<Step> make_step(const Lstm& lstm, const Making& making) {
  return std::make_unique<RecurrentStep<Lstm>>(lstm, making);
}

std::string refusal_of(const Gru&, const Graph& graph, const Node& node) {
  return refusal<Gru>(graph, node);
}
std::unique_ptr<Step> make_step(const Gru& gru, const Making& making) {
  return std::make_unique<RecurrentStep<Gru>>(gru, making);
}

std::string refusal_of(const Rnn&, const Graph& graph, const Node& node) {
  return refusal<Rnn>(graph, node);
}
std::unique_ptr<Step> make_step(const Rnn& rnn, const Making& making) {
  return std::make_unique<RecurrentStep<Rnn>>(rnn, making);
}

}  // namespace metalaudio::nn::cuda
