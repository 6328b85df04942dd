#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/sequential.h>

#include <algorithm>

namespace metalaudio::nn::layers {

Sequential& Sequential::add(std::shared_ptr<Layer> layer) {
  add_inner(fmt::format("{}", layers_.size()), layer);
  layers_.push_back(std::move(layer));
  return *this;
}

Rate Sequential::rate() const {
  Rate rate;
  for (const auto& layer : layers_) rate = rate.then(layer->rate());
  return rate;
}

Value Sequential::do_write(const Scope& scope, Value x) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i]->write(scope(fmt::format("{}", i)), x);
  }
  return x;
}

void Sequential::build(const Shape& input, const PlanOptions& options) {
  Graph graph;
  const Value x = graph.input("x", input);
  graph.output("y", write(graph, x));
  plan_.emplace(graph, options);
  built_ = plan_->statistics();
}

Tensor Sequential::run(const Tensor& x) {
  if (!plan_) fail(ErrorCode::invalid_argument, "[Sequential] build() comes before run()");
  const TensorView input = plan_->input("x");
  if (x.shape() != input.shape()) {
    fail(ErrorCode::invalid_argument, "[Sequential] the input is {}, built for {}",
         x.shape().to_string(), input.shape().to_string());
  }
  copy(x.view(), input);
  plan_->run();
  const ConstTensorView y = plan_->output("y");
  Tensor result(y.shape(), y.type());
  copy(y, result.view());
  return result;
}

void Sequential::build_stream(const StreamOptions& options) {
  stream_.emplace(*this, options);
  built_ = stream_->statistics();
}

void Sequential::reset() noexcept {
  if (plan_) plan_->reset();
  if (stream_) stream_->reset();
}

std::string Sequential::statistics() const {
  const std::size_t layers = layers_.size();
  const std::size_t saved = built_.buffers < layers ? layers - built_.buffers : 0;
  return fmt::format("{} layers, {} buffers ({} % reduction)", layers, built_.buffers,
                     layers == 0 ? 0 : 100 * saved / layers);
}

}  // namespace metalaudio::nn::layers
