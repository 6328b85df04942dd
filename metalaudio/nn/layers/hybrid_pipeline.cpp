#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/layers/hybrid_pipeline.h>

#include <algorithm>

namespace metalaudio::nn::layers {

namespace {

constexpr int kCpu = 0;
constexpr int kGpu = 1;

/// For PlanOptions and StreamOptions alike.
template <typename Options>
void take_both(Options& options, std::shared_ptr<const Backend> gpu, std::size_t threads) {
  options.backends = {make_cpu_backend(Precision::fp32, threads, options.tolerances),
                      std::move(gpu)};
  options.placement = Placement::automatic;
}

}  // namespace

/// The pipeline as it writes itself for a plan of both backends.
class HybridPipeline::Placed final : public Layer {
 public:
  explicit Placed(const HybridPipeline& pipeline) : pipeline_(pipeline) {}
  std::string name() const override { return pipeline_.name(); }
  Rate rate() const override { return pipeline_.rate(); }

 protected:
  Value do_write(const Scope& scope, Value x) const override {
    for (std::size_t i = 0; i < pipeline_.stages_.size(); ++i) {
      const auto& [layer, device] = pipeline_.stages_[i];
      std::optional<int> place;
      if (device != StageDevice::automatic) place = device == StageDevice::gpu ? kGpu : kCpu;
      scope.graph.set_place(place);
      x = layer->write(scope(fmt::format("{}", i)), x);
    }
    scope.graph.set_place({});
    return x;
  }

 private:
  const HybridPipeline& pipeline_;
};

HybridPipeline& HybridPipeline::add(std::shared_ptr<Layer> layer, StageDevice device) {
  add_inner(fmt::format("{}", stages_.size()), layer);
  stages_.push_back({std::move(layer), device});
  return *this;
}

Rate HybridPipeline::rate() const {
  Rate rate;
  for (const Stage& stage : stages_) rate = rate.then(stage.layer->rate());
  return rate;
}

Value HybridPipeline::do_write(const Scope& scope, Value x) const {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    x = stages_[i].layer->write(scope(fmt::format("{}", i)), x);
  }
  return x;
}

void HybridPipeline::build_stream(StreamOptions options, std::shared_ptr<const Backend> gpu) {
  options.backends.clear();
  split_.reset();
  uses_gpu_ = false;
  alone_.emplace(*this, options);
  if (gpu == nullptr) return;
  take_both(options, std::move(gpu), 1);
  split_.emplace(Placed(*this), options);
  const PlanReport made = split_->report();
  uses_gpu_ = std::any_of(made.steps.begin(), made.steps.end(), [&](const StepReport& step) {
    return step.backend != options.backends[kCpu]->name();
  });
}

std::size_t HybridPipeline::process(ConstAudioView in, AudioView out) noexcept {
  return (split_ && !split_->lost() ? *split_ : *alone_).process(in, out);
}

void HybridPipeline::reset() noexcept {
  if (split_) split_->reset();
  alone_->reset();
}

Trouble HybridPipeline::take_trouble() noexcept {
  const Trouble trouble = split_ ? split_->take_trouble() : Trouble::none;
  return trouble == Trouble::none ? alone_->take_trouble() : trouble;
}

Plan HybridPipeline::plan(const Shape& input, PlanOptions options,
                          std::shared_ptr<const Backend> gpu) const {
  Graph graph;
  const Value x = graph.input("x", input);
  if (gpu == nullptr) {
    options.backends.clear();
    graph.output("y", write(graph, x));
  } else {
    take_both(options, std::move(gpu), options.pool == nullptr ? 1 : options.pool->threads());
    graph.output("y", Placed(*this).write(graph, x));
  }
  return {graph, options};
}

}  // namespace metalaudio::nn::layers
