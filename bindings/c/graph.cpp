#include <metalaudio/nn/graph_inference.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/c/guard.h"

namespace {

using namespace metalaudio;
using c::guarded;
using c::need;

static_assert(METALAUDIO_BOOL == static_cast<int>(DataType::boolean) &&
              METALAUDIO_F32 == static_cast<int>(DataType::f32) &&
              METALAUDIO_U64 == static_cast<int>(DataType::u64));
static_assert(METALAUDIO_MAX_RANK == Shape::kMaxRank);

Shape shape_of(const int64_t* shape, size_t rank, const char* function) {
  if (rank > 0) need(shape, function, "shape");
  return Shape(std::span<const std::int64_t>(shape, rank));
}

void describe(std::span<const nn::GraphPort> ports, size_t index, metalaudio_port& port,
              const char* function) {
  if (index >= ports.size())
    fail(ErrorCode::invalid_argument, "[{}] port {}: there are {}", function, index, ports.size());
  const nn::GraphPort& from = ports[index];
  port = {};
  port.name = from.name.c_str();
  port.type = static_cast<metalaudio_type>(from.type.type);
  port.rank = from.type.shape.rank();
  for (std::size_t i = 0; i < port.rank; ++i) port.shape[i] = from.type.shape[i];
  port.bytes = from.type.bytes();
}

template <typename View, typename Place>
void view_ports(std::span<const nn::GraphPort> ports, const Place* places, size_t count,
                std::vector<View>& views, const char* what) {
  const char* const function = "metalaudio_graph_predict";
  c::need_count(count, ports.size(), function, what);
  if (count > 0) need(places, function, what);
  for (std::size_t i = 0; i < count; ++i) {
    const nn::ValueType& type = ports[i].type;
    if (places[i].bytes != type.bytes())
      fail(ErrorCode::invalid_argument, "[{}] {}: {} bytes: expected {}", function, ports[i].name,
           places[i].bytes, type.bytes());
    if (places[i].bytes > 0) need(static_cast<const char*>(places[i].data), function, what);
    views[i] = View(type.type, type.shape, places[i].data);
  }
}

}  // namespace

struct metalaudio_graph_options {
  nn::GraphInferenceOptions options;
};

struct metalaudio_graph {
  explicit metalaudio_graph(nn::GraphInference made)
      : graph(std::move(made)), inputs(graph.inputs().size()), outputs(graph.outputs().size()) {}

  nn::GraphInference graph;
  std::vector<ConstTensorView> inputs;
  std::vector<TensorView> outputs;
};

metalaudio_status metalaudio_graph_options_create(metalaudio_graph_options** options) {
  return guarded([&] {
    need(options, "metalaudio_graph_options_create", "options") = new metalaudio_graph_options();
  });
}

void metalaudio_graph_options_free(metalaudio_graph_options* options) { delete options; }

metalaudio_status metalaudio_graph_bind_number(metalaudio_graph_options* options, const char* input,
                                               double value) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_bind_number";
    need(options, name, "options").options.bind_constant(&need(input, name, "input"), value);
  });
}

metalaudio_status metalaudio_graph_bind_tensor(metalaudio_graph_options* options, const char* input,
                                               metalaudio_type type, const int64_t* shape,
                                               size_t rank, metalaudio_input value) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_bind_tensor";
    need(options, name, "options");
    if (type < METALAUDIO_F16 || type > METALAUDIO_BOOL)
      fail(ErrorCode::invalid_argument, "[{}] there is no type {}", name, static_cast<int>(type));
    const Shape extents = shape_of(shape, rank, name);
    const auto element = static_cast<DataType>(type);
    c::need_count(value.bytes, static_cast<std::size_t>(extents.size()) * size_of(element), name,
                  "bytes");
    if (value.bytes > 0) need(static_cast<const char*>(value.data), name, "value");
    Tensor tensor(extents, element);
    if (value.bytes > 0) std::memcpy(tensor.view().address(), value.data, value.bytes);
    options->options.bind_constant(&need(input, name, "input"), std::move(tensor));
  });
}

metalaudio_status metalaudio_graph_set_input_shape(metalaudio_graph_options* options,
                                                   const char* input, const int64_t* shape,
                                                   size_t rank) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_set_input_shape";
    need(options, name, "options")
        .options.fix_shape(&need(input, name, "input"), shape_of(shape, rank, name));
  });
}

metalaudio_status metalaudio_graph_set_dimension(metalaudio_graph_options* options,
                                                 const char* symbol, int64_t extent) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_set_dimension";
    need(options, name, "options").options.fix_dimension(&need(symbol, name, "symbol"), extent);
  });
}

metalaudio_status metalaudio_graph_link_state(metalaudio_graph_options* options, const char* output,
                                              const char* input) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_link_state";
    need(options, name, "options")
        .options.link_state(&need(output, name, "output"), &need(input, name, "input"));
  });
}

metalaudio_status metalaudio_graph_set_precision(metalaudio_graph_options* options,
                                                 metalaudio_precision precision) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_set_precision";
    need(options, name, "options").options.precision = c::precision_of(precision, name);
  });
}

metalaudio_status metalaudio_graph_load(const char* path, const metalaudio_graph_options* options,
                                        metalaudio_graph** graph) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_load";
    need(graph, name, "graph") = nullptr;
    const std::filesystem::path file(&need(path, name, "path"));
    *graph = new metalaudio_graph(nn::GraphInference(
        file, options == nullptr ? nn::GraphInferenceOptions() : options->options));
  });
}

metalaudio_status metalaudio_graph_load_memory(const void* bytes, size_t size,
                                               const metalaudio_graph_options* options,
                                               metalaudio_graph** graph) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_load_memory";
    need(graph, name, "graph") = nullptr;
    const auto* const first = &need(static_cast<const std::byte*>(bytes), name, "bytes");
    *graph = new metalaudio_graph(
        nn::GraphInference(std::span(first, size),
                           options == nullptr ? nn::GraphInferenceOptions() : options->options));
  });
}

metalaudio_status metalaudio_graph_clone(const metalaudio_graph* graph, metalaudio_graph** clone) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_clone";
    need(clone, name, "clone") = nullptr;
    *clone = new metalaudio_graph(need(graph, name, "graph").graph.clone());
  });
}

void metalaudio_graph_free(metalaudio_graph* graph) { delete graph; }

size_t metalaudio_graph_inputs(const metalaudio_graph* graph) {
  return graph == nullptr ? 0 : graph->graph.inputs().size();
}

size_t metalaudio_graph_outputs(const metalaudio_graph* graph) {
  return graph == nullptr ? 0 : graph->graph.outputs().size();
}

metalaudio_status metalaudio_graph_input(const metalaudio_graph* graph, size_t index,
                                         metalaudio_port* port) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_input";
    describe(need(graph, name, "graph").graph.inputs(), index, need(port, name, "port"), name);
  });
}

metalaudio_status metalaudio_graph_output(const metalaudio_graph* graph, size_t index,
                                          metalaudio_port* port) {
  return guarded([&] {
    const char* const name = "metalaudio_graph_output";
    describe(need(graph, name, "graph").graph.outputs(), index, need(port, name, "port"), name);
  });
}

metalaudio_status metalaudio_graph_predict(metalaudio_graph* graph, const metalaudio_input* inputs,
                                           size_t input_count, const metalaudio_output* outputs,
                                           size_t output_count) {
  return guarded([&] {
    need(graph, "metalaudio_graph_predict", "graph");
    view_ports(graph->graph.inputs(), inputs, input_count, graph->inputs, "inputs");
    view_ports(graph->graph.outputs(), outputs, output_count, graph->outputs, "outputs");
    graph->graph.predict(graph->inputs, graph->outputs);
  });
}

metalaudio_status metalaudio_graph_reset(metalaudio_graph* graph) {
  return guarded([&] { need(graph, "metalaudio_graph_reset", "graph").graph.reset(); });
}
