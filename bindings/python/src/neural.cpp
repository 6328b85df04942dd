#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/graph_inference.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <map>
#include <memory>
#include <tuple>

#include "bindings/python/src/graph_types.h"

namespace metalaudio::python {
namespace {

/// name, type, shape
using Port = std::tuple<std::string, std::string, std::vector<std::int64_t>>;

std::vector<Port> ports_of(std::span<const nn::GraphPort> ports) {
  std::vector<Port> described;
  for (const nn::GraphPort& port : ports) {
    const auto extents = port.type.shape.extents();
    described.emplace_back(port.name, numpy_name(port.type.type),
                           std::vector<std::int64_t>(extents.begin(), extents.end()));
  }
  return described;
}

class GraphInference {
 public:
  GraphInference(const std::filesystem::path& path, const OnnxChoice& choice,
                 const std::string& precision, std::size_t threads)
      : pool_(threads > 1 ? std::make_shared<ThreadPool>(threads) : nullptr) {
    const auto options = options_of(choice, precision);
    const nb::gil_scoped_release release;
    inference_.emplace(path, options);
  }
  GraphInference(const nb::bytes& model, const OnnxChoice& choice, const std::string& precision,
                 std::size_t threads)
      : pool_(threads > 1 ? std::make_shared<ThreadPool>(threads) : nullptr) {
    const auto options = options_of(choice, precision);
    const std::span bytes(reinterpret_cast<const std::byte*>(model.c_str()), model.size());
    const nb::gil_scoped_release release;
    inference_.emplace(bytes, options);
  }
  GraphInference(std::shared_ptr<ThreadPool> pool, nn::GraphInference inference)
      : pool_(std::move(pool)), inference_(std::move(inference)) {}

  std::unique_ptr<GraphInference> clone() {
    const Released released(mutex_);
    return std::make_unique<GraphInference>(pool_, inference_->clone());
  }
  std::vector<Port> inputs() const { return ports_of(inference_->inputs()); }
  std::vector<Port> outputs() const { return ports_of(inference_->outputs()); }

  void predict(const std::vector<AnyArray>& inputs, const std::vector<AnyArrayOut>& outputs) {
    std::vector<ConstTensorView> from;
    std::vector<TensorView> to;
    check(inputs, inference_->inputs(), "inputs");
    check(outputs, inference_->outputs(), "outputs");
    for (const AnyArray& input : inputs)
      from.emplace_back(type_of(input), shape_of(input), input.data());
    for (const AnyArrayOut& output : outputs)
      to.emplace_back(type_of(output), shape_of(output), output.data());
    const Released released(mutex_);
    inference_->predict(from, to);
  }
  void reset() {
    const Released released(mutex_);
    inference_->reset();
  }
  std::size_t memory_usage() const { return inference_->memory_usage(); }
  std::string profile() const { return inference_->profile().table(); }
  std::string to_dot() const { return inference_->to_dot(); }

 private:
  nn::GraphInferenceOptions options_of(const OnnxChoice& choice, const std::string& precision) {
    nn::GraphInferenceOptions options;
    options.model = choice.options();
    options.precision = precision_of(precision);
    options.pool = pool_.get();
    options.timing = choice.timing;
    return options;
  }
  template <typename Array>
  static void check(const std::vector<Array>& arrays, std::span<const nn::GraphPort> ports,
                    const char* what) {
    if (arrays.size() != ports.size())
      fail(ErrorCode::invalid_argument, "[GraphInference] {} {}: expected {}", arrays.size(), what,
           ports.size());
    for (std::size_t i = 0; i < ports.size(); ++i)
      check_port("GraphInference", ports[i].name, arrays[i], ports[i].type.type,
                 ports[i].type.shape);
  }

  std::shared_ptr<ThreadPool> pool_;
  std::optional<nn::GraphInference> inference_;
  std::recursive_mutex mutex_;
};

}  // namespace

void bind_neural(nb::module_& module) {
  nb::class_<OnnxChoice>(module, "OnnxChoice")
      .def(nb::init<>())
      .def_rw("shapes", &OnnxChoice::shapes)
      .def_rw("dimensions", &OnnxChoice::dimensions)
      .def_rw("numbers", &OnnxChoice::numbers)
      .def_rw("states", &OnnxChoice::states)
      .def_rw("carry_states", &OnnxChoice::carry_states)
      .def_rw("timing", &OnnxChoice::timing)
      .def("bind_tensor", &OnnxChoice::bind_tensor, nb::arg("input"), nb::arg("value"));
  nb::class_<GraphInference>(module, "GraphInference")
      .def(nb::init<const nb::bytes&, const OnnxChoice&, const std::string&, std::size_t>(),
           nb::arg("model"), nb::arg("choice"), nb::arg("precision"), nb::arg("threads"))
      // Bytes would be a path as well.
      .def(nb::init<const std::filesystem::path&, const OnnxChoice&, const std::string&,
                    std::size_t>(),
           nb::arg("path"), nb::arg("choice"), nb::arg("precision"), nb::arg("threads"))
      .def("clone", &GraphInference::clone)
      .def("predict", &GraphInference::predict, nb::arg("inputs").noconvert(),
           nb::arg("outputs").noconvert())
      .def("reset", &GraphInference::reset)
      .def_prop_ro("inputs", &GraphInference::inputs)
      .def_prop_ro("outputs", &GraphInference::outputs)
      .def_prop_ro("memory_usage", &GraphInference::memory_usage)
      .def("profile", &GraphInference::profile)
      .def("to_dot", &GraphInference::to_dot);
}

}  // namespace metalaudio::python
