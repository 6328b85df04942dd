#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/nn/cuda/cuda_runner.h>
#include <metalaudio/nn/cuda/cuda_step.h>
#include <metalaudio/nn/cuda/fusion.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/steps/cost.h>

#include <algorithm>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

bool is_packed(const Node& node, std::size_t input) {
  const std::span<const Role> roles = roles_of(node.operation);
  const Role role = roles[std::min(input, roles.size() - 1)];
  const bool packs = !std::holds_alternative<MatMul>(node.operation);
  return packs && (role == Role::weight || role == Role::optional_weight);
}

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::shared_ptr<AudioDevice> device, Precision precision)
      : device_(std::move(device)),
        precision_(precision == Precision::automatic ? Precision::fp16 : precision) {
    const int index = device_->properties().index;
    int major = 0;
    metalaudio::cuda::check(
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index),
        "its architecture");
    if (major < 8 && (precision_ == Precision::bf16 || precision_ == Precision::tf32)) {
      fail(ErrorCode::unsupported, "[nn::Plan] {} on {}: fp32 or fp16", to_string(precision_),
           device_->properties().name);
    }
  }

  std::string_view name() const noexcept override { return "cuda"; }
  std::shared_ptr<AudioDevice> device() const override { return device_; }
  std::optional<DataType> value_type() const override {
    if (precision_ == Precision::fp16) return DataType::f16;
    if (precision_ == Precision::bf16) return DataType::bf16;
    return std::nullopt;
  }

  std::string refusal(const Graph& graph, const Node& node) const override {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].present() && is_packed(node, i) && !graph.is_constant(node.inputs[i])) {
        return "its weights are not constant";
      }
    }
    for (const Value value : node.results) {
      if (graph.shape(value).size() > (std::int64_t{1} << 40)) return "a value is too large";
    }
    return std::visit(
        [&]<typename T>(const T& operation) -> std::string {
          if constexpr (HasStep<T>) {
            return refusal_of(operation, graph, node);
          } else {
            return "there is no kernel for it";
          }
        },
        node.operation);
  }

  std::vector<StepPlan> plan_steps(const Graph& graph, std::span<const int> nodes,
                                   bool fuse) const override {
    Matcher matcher(graph, nodes);
    std::vector<StepPlan> plans;
    for (const int index : nodes) {
      if (matcher.taken(index)) continue;
      std::optional<StepPlan> plan = fuse ? fused(matcher, index) : std::nullopt;
      plans.push_back(plan ? std::move(*plan) : single(graph, index));
    }
    return plans;
  }

  bool side_by_side() const noexcept override { return true; }
  std::unique_ptr<Runner> make_runner(std::span<const std::unique_ptr<Step>> steps,
                                      std::span<const StepsBefore> before,
                                      ThreadPool*) const override {
    return make_cuda_runner(steps, before, device_);
  }

 private:
  std::optional<StepPlan> fused(Matcher& matcher, int index) const {
    const Target target{device_, precision_};
    std::optional<StepPlan> plan = match_dconv(matcher, index, target);
    if (plan) return plan;
    plan = match_conv(matcher, index, target);
    if (!plan) plan = match_group_norm(matcher, index, target);
    if (plan) plan->cost = cost_of(matcher.graph(), matcher.node(index));
    return plan;
  }

  StepPlan single(const Graph& graph, int index) const {
    const Node& node = graph.nodes()[static_cast<std::size_t>(index)];
    StepPlan plan{
        std::string(name_of(node.operation)), {index}, {}, node.results, cost_of(graph, node), {}};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!is_packed(node, i)) plan.inputs.push_back(node.inputs[i]);
    }
    plan.make = [this, &node](StepMaker& maker) {
      return std::visit(
          [&]<typename T>(const T& operation) -> std::unique_ptr<Step> {
            if constexpr (HasStep<T>) {
              return make_step(operation, Making{maker, node, device_, precision_});
            } else {
              return nullptr;  // refusal() says so first
            }
          },
          node.operation);
    };
    return plan;
  }

  std::shared_ptr<AudioDevice> device_;
  Precision precision_;
};

}  // namespace

std::vector<float> floats_of(const Graph& graph, Value value) {
  const std::shared_ptr<const Tensor> constant = graph.info(value).constant.tensor();
  std::vector<float> numbers(constant->size());
  visit_type(constant->view().type(), [&]<typename T>(std::type_identity<T>) {
    const std::span<const T> from = constant->view().template values_as<T>();
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(from[i]);
  });
  return numbers;
}

std::string refuse_unless_real(const Graph& graph, Value value) {
  const DataType type = graph.type(value).type;
  if (type == DataType::f32 || type == DataType::f16 || type == DataType::bf16) return {};
  return fmt::format("there is no kernel for {}", to_string(type));
}

}  // namespace metalaudio::nn::cuda

METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_backend(
    std::shared_ptr<metalaudio::AudioDevice> device, metalaudio::nn::Precision precision,
    std::shared_ptr<const metalaudio::nn::Backend>* backend) {
  *backend = std::make_shared<metalaudio::nn::cuda::CudaBackend>(std::move(device), precision);
}
