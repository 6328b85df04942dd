#include <metalaudio/nn/cuda/kernels/elementwise.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>

#include <utility>

namespace metalaudio::nn::cuda {

namespace {

class UnaryStep final : public CudaStep {
 public:
  UnaryStep(const Unary& unary, const Making& making)
      : unary_(unary),
        type_(making.type(0).type),
        size_(making.result_type().shape.size()),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (size_ == 0) return;
    const auto alpha = static_cast<float>(unary_.alpha);
    const auto beta = static_cast<float>(unary_.beta);
    if (!is_floating(type_)) {
      launch_integer_unary(unary_.function, unary_.alpha, unary_.beta, type_, run.at(x_),
                           run.at(y_), size_, run.stream);
    } else if (is_test(unary_.function)) {
      launch_test(unary_.function, alpha, beta, type_, run.at(x_), run.at<bool>(y_), size_,
                  run.stream);
    } else {
      launch_unary(unary_.function, alpha, beta, type_, run.at(x_), run.at(y_), size_, run.stream);
    }
  }

 private:
  Unary unary_;
  DataType type_;
  std::int64_t size_;
  Slot x_;
  Slot y_;
};

class BinaryStep final : public CudaStep {
 public:
  BinaryStep(const Binary& binary, const Making& making)
      : function_(binary.function),
        type_(making.type(0).type),
        walk_(walk_of<2>(making.result_type().shape,
                         {repeated_steps(making.type(0).shape, making.result_type().shape),
                          repeated_steps(making.type(1).shape, making.result_type().shape)})),
        a_(making.input(0)),
        b_(making.input(1)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (walk_.size == 0) return;
    if (is_comparison(function_)) {
      launch_comparison(function_, type_, run.at(a_), run.at(b_), run.at<bool>(y_), walk_,
                        run.stream);
    } else if (is_floating(type_)) {
      launch_binary(function_, type_, run.at(a_), run.at(b_), run.at(y_), walk_, run.stream);
    } else {
      launch_integer_binary(function_, type_, run.at(a_), run.at(b_), run.at(y_), walk_,
                            run.stream);
    }
  }

 private:
  BinaryFunction function_;
  DataType type_;
  Walk<2> walk_;
  Slot a_;
  Slot b_;
  Slot y_;
};

class GluStep final : public CudaStep {
 public:
  explicit GluStep(const Making& making)
      : type_(making.type(0).type),
        channels_(making.result_type().shape.back()),
        rows_(channels_ == 0 ? 0 : making.result_type().shape.size() / channels_),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (rows_ > 0) launch_glu(type_, run.at(x_), run.at(y_), rows_, channels_, run.stream);
  }

 private:
  DataType type_;
  std::int64_t channels_;
  std::int64_t rows_;
  Slot x_;
  Slot y_;
};

class CastStep final : public CudaStep {
 public:
  explicit CastStep(const Making& making)
      : from_(making.type(0).type),
        to_(making.result_type().type),
        size_(making.result_type().shape.size()),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (size_ > 0) launch_cast(from_, run.at(x_), to_, run.at(y_), size_, run.stream);
  }

 private:
  DataType from_;
  DataType to_;
  std::int64_t size_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Unary& unary, const Graph& graph, const Node& node) {
  const bool floating = is_floating(graph.type(node.inputs[0]).type);
  // Limits may lie outside of an integer type.
  if (unary.function == UnaryFunction::clip && !floating) return "there is no kernel for integers";
  return is_floating(graph.type(node.inputs[0]).type) ? refuse_unless_real(graph, node.inputs[0])
                                                      : std::string();
}
std::unique_ptr<Step> make_step(const Unary& unary, const Making& making) {
  return std::make_unique<UnaryStep>(unary, making);
}

std::string refusal_of(const Binary& binary, const Graph& graph, const Node& node) {
  const bool any = is_comparison(binary.function) || !is_floating(graph.type(node.inputs[0]).type);
  return any ? std::string() : refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const Binary& binary, const Making& making) {
  return std::make_unique<BinaryStep>(binary, making);
}

std::string refusal_of(const Cast&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Cast&, const Making& making) {
  return std::make_unique<CastStep>(making);
}

std::string refusal_of(const Glu&, const Graph& graph, const Node& node) {
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const Glu&, const Making& making) {
  return std::make_unique<GluStep>(making);
}

}  // namespace metalaudio::nn::cuda
