#include <metalaudio/core/error.h>
#include <metalaudio/nn/compiler/rewriter.h>
#include <metalaudio/nn/compiler/simplify.h>
#include <metalaudio/nn/plan.h>

#include <string>

namespace metalaudio::nn {

namespace {

Tensor copy_of(const Tensor& from, const Shape& shape) {
  Tensor to(shape, from.type());
  copy(ConstTensorView(from.type(), shape, from.view().handle()), to.view());
  return to;
}

}  // namespace

std::vector<Tensor> evaluate(const Operation& operation,
                             std::span<const std::shared_ptr<const Tensor>> inputs,
                             std::size_t limit_bytes) {
  if (const auto* reshape = std::get_if<Reshape>(&operation)) {
    std::vector<Tensor> results;
    results.push_back(copy_of(*inputs[0], reshape->shape));
    return results;
  }
  Graph graph;
  std::vector<Value> values;
  for (const auto& tensor : inputs) values.push_back(tensor ? graph.constant(tensor) : Value{});
  const std::vector<Value> results = graph.apply_all(operation, std::move(values));
  for (std::size_t i = 0; i < results.size(); ++i) graph.output(std::to_string(i), results[i]);
  PlanOptions options;
  options.simplify = false;
  options.memory_limit_bytes = limit_bytes;
  Plan plan(graph, options);
  plan.run();
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ConstTensorView view = plan.output(std::to_string(i));
    tensors.emplace_back(view.shape(), view.type()).copy_from(view);
  }
  return tensors;
}

Graph fold_constants(const Graph& graph, std::size_t limit_bytes) {
  const std::vector<bool> needed = needed_nodes(graph);
  std::size_t folded = 0;
  Rewriter rewriter(graph);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!needed[i]) continue;
    std::vector<std::shared_ptr<const Tensor>> inputs;
    bool constant = true;
    for (const Value input : node.inputs) {
      const Value now = rewriter.map(input);
      constant = constant && (!now.present() || rewriter.graph().is_constant(now));
      if (!constant) break;
      inputs.push_back(now.present() ? rewriter.graph().info(now).constant.tensor() : nullptr);
    }
    if (!constant) {
      rewriter.copy(node);
      continue;
    }
    for (const Value result : node.results)
      if (result.present()) folded += graph.type(result).bytes();
    if (folded > limit_bytes) {
      fail(ErrorCode::out_of_memory, "[nn::Plan] constants of {} MiB: {} MiB are allowed",
           folded >> 20U, limit_bytes >> 20U);
    }
    std::vector<Tensor> results = evaluate(node.operation, inputs, limit_bytes);
    for (std::size_t r = 0; r < results.size(); ++r) {
      rewriter.set(node.results[r], rewriter.graph().constant(std::move(results[r])));
    }
  }
  return rewriter.finish();
}

}  // namespace metalaudio::nn
