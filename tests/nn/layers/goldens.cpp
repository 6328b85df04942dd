#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/layers/stream.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <cmath>

#include "tests/nn/layers/goldens.h"
#include "tests/parity/reference.h"
#include "tests/support/realtime_guard.h"
#include "tests/support/test_paths.h"

namespace metalaudio::nn::layers {

const StateFile& goldens() {
  static const StateFile file = load_state(golden_dir() / "layers" / "layers.safetensors");
  return file;
}

const Tensor& golden(const std::string& name, const std::string& part) {
  return goldens().state.at(name + "." + part);
}

Weights golden_weights(const std::string& name) { return Weights(goldens())(name)("m"); }

double difference(const Tensor& actual, const Tensor& expected) {
  EXPECT_EQ(actual.shape().to_string(), expected.shape().to_string());
  if (actual.shape() != expected.shape()) return INFINITY;
  double most = 0;
  double largest = 1e-30;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double a = actual.data()[i];
    const double b = expected.data()[i];
    if (std::isnan(a) || std::isnan(b)) return INFINITY;
    largest = std::max(largest, std::fabs(b));
    most = std::max(most, std::fabs(a - b));
  }
  return most / largest;
}

namespace {

Tensor copy_of(const ConstTensorView& view) {
  Tensor tensor(view.shape(), view.type());
  copy(view, tensor.view());
  return tensor;
}

}  // namespace

std::map<std::string, Tensor> run_graph(
    const Inputs& inputs,
    const std::function<void(Graph&, const std::map<std::string, Value>&)>& build) {
  Graph graph;
  std::map<std::string, Value> values;
  std::map<std::string, ReferenceValue> reference_inputs;
  for (const auto& [name, tensor] : inputs) {
    values[name] = graph.input(name, tensor.shape(), tensor.type());
    reference_inputs[name] = reference_value(tensor.view());
  }
  build(graph, values);
  Plan plan(graph, {});
  for (const auto& [name, tensor] : inputs) copy(tensor.view(), plan.input(name));
  plan.run();
  const auto expected = ReferencePlan(graph).run(reference_inputs);
  std::map<std::string, Tensor> results;
  for (const auto& [name, value] : graph.outputs()) {
    results[name] = copy_of(plan.output(name));
    Tensor plain(results[name].shape(), results[name].type());
    write(expected.at(name), plain.view());
    EXPECT_LT(difference(results[name], plain), kClose) << name << " beside the plain reference";
  }
  return results;
}

Tensor run_offline(const Layer& layer, const Tensor& x) {
  return run_graph({{"x", x}},
                   [&](Graph& graph, const auto& values) {
                     graph.output("y", layer.write(graph, values.at("x")));
                   })
      .at("y");
}

void expect_golden(Layer& layer, const std::string& name) {
  SCOPED_TRACE(name);
  layer.load(golden_weights(name));
  EXPECT_LT(difference(run_offline(layer, golden(name, "x")), golden(name, "y")), kClose);
}

void expect_golden(Layer&& layer, const std::string& name) { expect_golden(layer, name); }

void expect_streams_golden(Layer&& layer, const std::string& name) {
  layer.load(golden_weights(name));
  const Tensor& x = golden(name, "x");
  const Tensor& y = golden(name, "y");
  const auto frames = static_cast<std::size_t>(x.shape()[1]);
  const auto in = static_cast<std::size_t>(x.shape().back());
  const auto out = static_cast<std::size_t>(y.shape().back());
  Stream stream(layer, {.channels = x.shape().back()});
  for (const std::size_t block : {1U, 7U, 64U, 1000U}) {
    SCOPED_TRACE(name + " in blocks of " + std::to_string(block));
    stream.reset();
    const std::size_t latency = stream.latency_samples();
    Tensor made(y.shape());
    std::size_t written = 0;
    // What is late comes out with the silence after the end.
    for (std::size_t first = 0; written < made.size() / out + latency; first += block) {
      ASSERT_LT(first, frames + latency + block);
      const std::size_t count = std::min(block, std::max(frames + latency, first) - first);
      AudioBuffer input(in, count);
      for (std::size_t c = 0; c < in; ++c) {
        for (std::size_t i = 0; i < count && first + i < frames; ++i) {
          input.channel(c)[i] = x.data()[(first + i) * in + c];
        }
      }
      AudioBuffer output(out, stream.output_frames(count));
      std::size_t got = 0;
      {
        const testing::RealtimeGuard guard;
        got = stream.process(input.view(), output.view());
      }
      for (std::size_t i = 0; i < got; ++i, ++written) {
        if (written < latency || written - latency >= made.size() / out) continue;
        for (std::size_t c = 0; c < out; ++c) {
          made.data()[(written - latency) * out + c] = output.channel(c)[i];
        }
      }
    }
    EXPECT_LT(difference(made, y), kClose);
  }
}

}  // namespace metalaudio::nn::layers
