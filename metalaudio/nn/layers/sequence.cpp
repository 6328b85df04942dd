#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/sequence.h>

#include <algorithm>
#include <cassert>

namespace metalaudio::nn::layers {

Sequence::Sequence(std::shared_ptr<const Layer> layer, std::int64_t features)
    : layer_(std::move(layer)), features_(features) {
  prewarm(1);
}

void Sequence::prewarm(std::int64_t tokens) {
  if (tokens < 1) {
    fail(ErrorCode::invalid_argument, "[Sequence] {} tokens: at least 1", tokens);
  }
  if (tokens <= longest_) return;
  Graph graph;
  const Value x = graph.input("x", {1, tokens, features_});
  const Value lengths = graph.input("lengths", {1}, DataType::i64);
  const Value y = layer_->write(Scope{graph, Mode::sequence, {}, lengths}, x);
  if (graph.shape(y).rank() != 3 || graph.shape(y)[1] != tokens) {
    fail(ErrorCode::invalid_argument, "[Sequence] {} gives {} for {} tokens", layer_->name(),
         graph.shape(y).to_string(), tokens);
  }
  graph.output("y", y);
  Plan plan(graph, {});
  if (plan_) plan.take_states(*plan_);
  plan_ = std::move(plan);
  output_features_ = static_cast<std::size_t>(graph.shape(y)[2]);
  longest_ = tokens;
}

void Sequence::run(std::span<const float> x, std::span<float> y) noexcept {
  const std::size_t tokens = x.size() / static_cast<std::size_t>(features_);
  assert(tokens <= static_cast<std::size_t>(longest_) && y.size() == tokens * output_features_);
  std::copy(x.begin(), x.end(), plan_->input("x").data_as<float>());
  *plan_->input("lengths").data_as<std::int64_t>() = static_cast<std::int64_t>(tokens);
  plan_->run();
  std::copy_n(plan_->output("y").data_as<float>(), y.size(), y.begin());
}

}  // namespace metalaudio::nn::layers
