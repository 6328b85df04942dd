#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/plan.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>

#include "bindings/python/src/graph_types.h"

namespace metalaudio::python {
namespace {

using Extents = std::vector<std::int64_t>;
using Port = std::tuple<std::string, std::string, Extents>;

DataType type_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(DataType::boolean); ++i)
    if (numpy_name(static_cast<DataType>(i)) == name) return static_cast<DataType>(i);
  fail(ErrorCode::unsupported, "[Graph] no tensor holds {}", name);
}

Shape shape_from(const Extents& extents) { return Shape(std::span<const std::int64_t>(extents)); }

nn::Unary unary_named(const std::string& name, double alpha, double beta) {
  for (int i = 0; i <= static_cast<int>(nn::UnaryFunction::is_inf); ++i)
    if (to_string(static_cast<nn::UnaryFunction>(i)) == name)
      return {static_cast<nn::UnaryFunction>(i), alpha, beta};
  fail(ErrorCode::invalid_argument, "[Graph] there is no function {} of one value", name);
}

nn::Binary binary_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(nn::BinaryFunction::shift_right); ++i)
    if (to_string(static_cast<nn::BinaryFunction>(i)) == name)
      return {static_cast<nn::BinaryFunction>(i)};
  fail(ErrorCode::invalid_argument, "[Graph] there is no function {} of two values", name);
}

nn::Value convolve(nn::Graph& graph, nn::Value x, nn::Value weight, std::optional<nn::Value> bias,
                   const Extents& stride, const Extents& dilation, const Extents& before,
                   const Extents& after, std::int64_t groups) {
  if (graph.shape(weight).rank() != stride.size() + 2 || dilation.size() != stride.size() ||
      before.size() != stride.size() || after.size() != stride.size())
    fail(ErrorCode::invalid_argument, "[Graph] conv: weight {} and {} strides",
         graph.shape(weight).to_string(), stride.size());
  nn::Conv conv;
  conv.groups = groups;
  for (std::size_t i = 0; i < stride.size(); ++i) {
    nn::SlidingAxis axis;
    axis.stride = stride.at(i);
    axis.dilation = dilation.at(i);
    axis.kernel = graph.shape(weight)[i + 1];
    axis.before = before.at(i);
    axis.after = after.at(i);
    conv.axes.push_back(axis);
  }
  return graph.apply(conv, {x, weight, bias.value_or(nn::Value{})});
}

class Plan {
 public:
  Plan(const nn::Graph& graph, const std::string& precision, std::size_t threads, bool timing)
      : pool_(threads > 1 ? std::make_shared<ThreadPool>(threads) : nullptr) {
    nn::PlanOptions options;
    options.precision = precision_of(precision);
    options.pool = pool_.get();
    options.timing = timing;
    for (const auto& [name, value] : graph.inputs()) inputs_.push_back({name, graph.type(value)});
    for (const auto& [name, value] : graph.outputs()) outputs_.push_back({name, graph.type(value)});
    const nb::gil_scoped_release release;
    plan_.emplace(graph, options);
  }
  Plan(std::shared_ptr<ThreadPool> pool, nn::Plan plan, const Plan& other)
      : pool_(std::move(pool)),
        plan_(std::move(plan)),
        inputs_(other.inputs_),
        outputs_(other.outputs_) {}

  std::unique_ptr<Plan> clone() {
    const Released released(mutex_);
    return std::make_unique<Plan>(pool_, plan_->clone(), *this);
  }
  std::vector<Port> inputs() const { return described(inputs_); }
  std::vector<Port> outputs() const { return described(outputs_); }

  void run(const std::vector<AnyArray>& inputs, const std::vector<AnyArrayOut>& outputs) {
    check(inputs, inputs_, "inputs");
    check(outputs, outputs_, "outputs");
    std::vector<const void*> from;
    std::vector<void*> to;
    for (const AnyArray& input : inputs) from.push_back(input.data());
    for (const AnyArrayOut& output : outputs) to.push_back(output.data());
    const Released released(mutex_);
    for (std::size_t i = 0; i < from.size(); ++i) {
      const TensorView view = plan_->input(inputs_[i].first);
      if (view.bytes() > 0) std::memcpy(view.address(), from[i], view.bytes());
    }
    plan_->run();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const ConstTensorView view = plan_->output(outputs_[i].first);
      if (view.bytes() > 0) std::memcpy(to[i], view.address(), view.bytes());
    }
  }
  void reset() {
    const Released released(mutex_);
    plan_->reset();
  }
  std::string report() const { return plan_->report().table(); }
  std::string graphviz() const { return plan_->graphviz(); }
  std::map<std::string, std::size_t> statistics() const {
    const nn::PlanStatistics& s = plan_->statistics();
    return {{"operations", s.operations},
            {"steps", s.steps},
            {"activation_bytes", s.activation_bytes},
            {"state_bytes", s.state_bytes},
            {"weight_bytes", s.weight_bytes}};
  }

 private:
  using Ports = std::vector<std::pair<std::string, nn::ValueType>>;

  static std::vector<Port> described(const Ports& ports) {
    std::vector<Port> all;
    for (const auto& [name, type] : ports) {
      const auto extents = type.shape.extents();
      all.emplace_back(name, numpy_name(type.type), Extents(extents.begin(), extents.end()));
    }
    return all;
  }
  template <typename Array>
  static void check(const std::vector<Array>& arrays, const Ports& ports, const char* what) {
    if (arrays.size() != ports.size())
      fail(ErrorCode::invalid_argument, "[Plan] {} {}: expected {}", arrays.size(), what,
           ports.size());
    for (std::size_t i = 0; i < ports.size(); ++i)
      check_port("Plan", ports[i].first, arrays[i], ports[i].second.type, ports[i].second.shape);
  }

  std::shared_ptr<ThreadPool> pool_;
  std::optional<nn::Plan> plan_;
  Ports inputs_;
  Ports outputs_;
  std::recursive_mutex mutex_;
};

}  // namespace

void bind_graph(nb::module_& module) {
  nb::class_<nn::Value>(module, "Value", "A value of a graph.");
  const auto graph_class =
      nb::class_<nn::Graph>(module, "Graph")
          .def(nb::init<>())
          .def("input",
               [](nn::Graph& graph, const std::string& name, const Extents& shape,
                  const std::string& type) {
                 return graph.input(name, shape_from(shape), type_named(type));
               })
          .def("constant", [](nn::Graph& graph,
                              const AnyArray& value) { return graph.constant(tensor_of(value)); })
          .def("state",
               [](nn::Graph& graph, const std::string& name, const AnyArray& initial) {
                 return graph.state(name, tensor_of(initial));
               })
          .def("update", &nn::Graph::update)
          .def("output", &nn::Graph::output)
          .def("shape",
               [](const nn::Graph& graph, nn::Value value) {
                 const auto extents = graph.shape(value).extents();
                 return Extents(extents.begin(), extents.end());
               })
          .def("dtype", [](const nn::Graph& graph,
                           nn::Value value) { return numpy_name(graph.type(value).type); })
          .def("unary",
               [](nn::Graph& graph, const std::string& name, nn::Value x, double alpha,
                  double beta) { return graph.apply(unary_named(name, alpha, beta), {x}); })
          .def("binary",
               [](nn::Graph& graph, const std::string& name, nn::Value a, nn::Value b) {
                 return graph.apply(binary_named(name), {a, b});
               })
          .def("matmul",
               [](nn::Graph& graph, nn::Value a, nn::Value b) {
                 return graph.apply(nn::MatMul{}, {a, b});
               })
          .def(
              "linear",
              [](nn::Graph& graph, nn::Value x, nn::Value weight, std::optional<nn::Value> bias) {
                return graph.apply(nn::linear(), {x, weight, bias.value_or(nn::Value{})});
              },
              nb::arg(), nb::arg(), nb::arg().none())
          .def("conv", &convolve, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(),
               nb::arg(), nb::arg(), nb::arg())
          .def("softmax",
               [](nn::Graph& graph, nn::Value x, std::int64_t axis) {
                 return graph.apply(nn::Softmax{axis, false}, {x});
               })
          .def("concat", [](nn::Graph& graph, const std::vector<nn::Value>& values,
                            std::int64_t axis) { return graph.apply(nn::Concat{axis}, values); })
          .def("reshape",
               [](nn::Graph& graph, nn::Value x, const Extents& shape) {
                 return graph.apply(nn::Reshape{shape_from(shape)}, {x});
               })
          .def("transpose",
               [](nn::Graph& graph, nn::Value x, const std::vector<std::size_t>& order) {
                 return graph.apply(nn::Transpose{order}, {x});
               })
          .def("slice",
               [](nn::Graph& graph, nn::Value x, const Extents& starts, const Extents& shape,
                  const Extents& steps) {
                 return graph.apply(nn::Slice{starts, shape_from(shape), steps}, {x});
               })
          .def(
              "layer_norm",
              [](nn::Graph& graph, nn::Value x, std::optional<nn::Value> gamma,
                 std::optional<nn::Value> beta, float epsilon) {
                return graph.apply(nn::LayerNorm{1, epsilon},
                                   {x, gamma.value_or(nn::Value{}), beta.value_or(nn::Value{})});
              },
              nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
  static_cast<void>(graph_class);
  module.def("import_onnx", [](const nb::bytes& model, const OnnxChoice& choice) {
    const auto options = choice.options();
    const std::span bytes(reinterpret_cast<const std::byte*>(model.c_str()), model.size());
    const nb::gil_scoped_release release;
    return nn::import_onnx(bytes, options);
  });
  // Bytes would be a path as well.
  module.def("import_onnx", [](const std::filesystem::path& path, const OnnxChoice& choice) {
    const auto options = choice.options();
    const nb::gil_scoped_release release;
    return nn::import_onnx(path, options);
  });
  module.def("graph_ports", [](const nn::Graph& graph) {
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
    for (const auto& [name, value] : graph.inputs()) inputs.push_back(name);
    for (const auto& [name, value] : graph.outputs()) outputs.push_back(name);
    return std::pair{inputs, outputs};
  });
  nb::class_<Plan>(module, "Plan")
      .def(nb::init<const nn::Graph&, const std::string&, std::size_t, bool>(), nb::arg("graph"),
           nb::arg("precision"), nb::arg("threads"), nb::arg("timing"))
      .def("clone", &Plan::clone)
      .def("run", &Plan::run, nb::arg("inputs").noconvert(), nb::arg("outputs").noconvert())
      .def("reset", &Plan::reset)
      .def_prop_ro("inputs", &Plan::inputs)
      .def_prop_ro("outputs", &Plan::outputs)
      .def_prop_ro("statistics", &Plan::statistics)
      .def("report", &Plan::report)
      .def("graphviz", &Plan::graphviz);
}

}  // namespace metalaudio::python
