#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/steps/in_float32.h>
#include <metalaudio/nn/steps/number.h>

namespace metalaudio::nn::cpu {

namespace {

/// One value on its way between its own type and float32.
struct Conversion {
  DataType type = DataType::f32;
  std::size_t size = 0;
  Slot own;
  Slot floats;
};

template <typename From, typename To>
void convert(const CpuRun& run, Slot from, Slot to, std::size_t size) noexcept {
  run.workers.parallel_blocks(size, together(1),
                              [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                for (std::size_t i = first; i < first + n; ++i) {
                                  run.at<To>(to)[i] = converted<To>(run.at<const From>(from)[i]);
                                }
                              });
}

class InFloat32Step final : public CpuStep {
 public:
  InFloat32Step(std::unique_ptr<Step> inner, std::vector<Conversion> before,
                std::vector<Conversion> after)
      : inner_(std::move(inner)), before_(std::move(before)), after_(std::move(after)) {}

  void run(const CpuRun& run) const noexcept override {
    for (const Conversion& c : before_) {
      visit_type(c.type, [&]<typename T>(std::type_identity<T>) {
        convert<T, float>(run, c.own, c.floats, c.size);
      });
    }
    step().run(run);
    for (const Conversion& c : after_) {
      visit_type(c.type, [&]<typename T>(std::type_identity<T>) {
        convert<float, T>(run, c.floats, c.own, c.size);
      });
    }
  }

  std::size_t weight_bytes() const noexcept override { return inner_->weight_bytes(); }
  ScratchNeeds scratch() const noexcept override { return step().scratch(); }

 private:
  const CpuStep& step() const noexcept { return static_cast<const CpuStep&>(*inner_); }

  std::unique_ptr<Step> inner_;
  std::vector<Conversion> before_;
  std::vector<Conversion> after_;
};

/// The graph of one node in float32, and which value of the whole graph each of its values is.
struct SmallGraph {
  SmallGraph(const Graph& whole, const Node& node) {
    std::vector<Value> inputs;
    for (const Value value : node.inputs) {
      inputs.push_back(value.present() ? input(whole, value) : Value{});
    }
    const std::vector<Value> results = graph.apply_all(node.operation, std::move(inputs));
    for (std::size_t i = 0; i < results.size(); ++i) originals.push_back(node.results[i]);
  }

  Value input(const Graph& whole, Value value) {
    originals.push_back(value);
    ValueType type = whole.type(value);
    const bool converts = is_floating(type.type);
    if (converts) type.type = DataType::f32;
    if (!whole.is_constant(value)) {
      return graph.input(std::to_string(originals.size()), type.shape, type.type);
    }
    const Constant& constant = whole.info(value).constant;
    if (!converts) return graph.constant(constant);
    // When its step packs it: all those of a graph at once may be more than there is room for.
    return graph.constant(Constant(type, [constant] {
      Tensor tensor(constant.type().shape);
      const Array<float> floats = floats_of(constant);
      std::copy(floats.begin(), floats.end(), tensor.values().begin());
      return tensor;
    }));
  }

  Value original(Value value) const { return originals[static_cast<std::size_t>(value.index)]; }

  Graph graph;
  std::vector<Value> originals;  ///< by value of the small graph
};

/// Gives the inner step temporaries of float32 for values of other types.
class InnerMaker final : public StepMaker {
 public:
  InnerMaker(const SmallGraph& small, const StepPlan& plan, StepMaker& outer)
      : small_(small), outer_(outer) {
    for (const Value value : plan.inputs) add(value, before);
    for (const Value value : plan.results) add(value, after);
  }

  const Graph& graph() const override { return small_.graph; }
  Slot slot(Value value) const override {
    if (!value.present()) return {};
    for (const auto& [converted, slot] : floats_) {
      if (converted.index == value.index) return slot;
    }
    return outer_.slot(small_.original(value));
  }
  Slot temporary(std::size_t bytes) override { return outer_.temporary(bytes); }
  void will_keep(std::size_t bytes) override { outer_.will_keep(bytes); }

  std::vector<Conversion> before;
  std::vector<Conversion> after;

 private:
  void add(Value value, std::vector<Conversion>& conversions) {
    if (!value.present()) return;
    const Value original = small_.original(value);
    const DataType type = outer_.graph().type(original).type;
    if (type == small_.graph.type(value).type) return;
    const auto size = static_cast<std::size_t>(small_.graph.shape(value).size());
    const Slot floats = outer_.temporary(size * sizeof(float));
    conversions.push_back({type, size, outer_.slot(original), floats});
    floats_.emplace_back(value, floats);
  }

  const SmallGraph& small_;
  StepMaker& outer_;
  std::vector<std::pair<Value, Slot>> floats_;
};

}  // namespace

StepPlan plan_in_float32(const Graph& graph, int index, const PlanOne& plan_one) {
  const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
  const auto small = std::make_shared<const SmallGraph>(graph, node);
  const auto inner = std::make_shared<const StepPlan>(plan_one(small->graph, 0));
  StepPlan plan{inner->kind, {index}, {}, node.results, inner->cost, {}};
  for (const Value value : inner->inputs) {
    if (value.present()) plan.inputs.push_back(small->original(value));
  }
  plan.make = [small, inner](StepMaker& maker) -> std::unique_ptr<Step> {
    InnerMaker inside(*small, *inner, maker);
    std::unique_ptr<Step> step = inner->make(inside);
    return std::make_unique<InFloat32Step>(std::move(step), std::move(inside.before),
                                           std::move(inside.after));
  };
  return plan;
}

}  // namespace metalaudio::nn::cpu
