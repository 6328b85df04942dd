#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace metalaudio;

/// A few bytes may ask for terabytes and days: what needs more than this is refused.
constexpr std::size_t kMemoryBytes = std::size_t{8} << 20U;
constexpr double kOperations = 1e8;

/// Fills all inputs with numbers that are neither of one sign nor all small.
void fill(const TensorView& input, std::uint32_t& random) {
  visit_type(input.type(), [&]<typename T>(std::type_identity<T>) {
    for (T& value : input.values_as<T>()) {
      random = random * 1664525U + 1013904223U;
      const int number = static_cast<int>(random >> 24U) - 128;
      if constexpr (std::is_same_v<T, bool>) {
        value = number > 0;
      } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(number);
      } else {
        value = static_cast<T>(static_cast<float>(number) / 16.0F);
      }
    }
  });
}

}  // namespace

// Any bytes as an ONNX model; what the reader accepts is compiled and runs three steps.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    const nn::OnnxSummary summary = nn::inspect_onnx(bytes);
    nn::OnnxOptions options;
    options.constant_limit_bytes = kMemoryBytes;
    // States as the model may have them: an output goes back to the input of its place.
    if (size % 2 == 0 && summary.inputs.size() > 1 && summary.outputs.size() > 1)
      options.states.push_back({summary.outputs[1].name, summary.inputs[1].name});
    options.carry_states = size % 3 == 0;
    const nn::Graph graph = nn::import_onnx(bytes, options);
    nn::PlanOptions planning;
    planning.memory_limit_bytes = kMemoryBytes;
    nn::Plan plan(graph, planning);
    double operations = 0;
    for (const nn::StepReport& step : plan.report().steps) operations += step.cost.operations;
    if (operations > kOperations) return 0;
    std::uint32_t random = 1;
    for (int step = 0; step < 3; ++step) {
      for (const auto& input : graph.inputs()) fill(plan.input(input.first), random);
      plan.run();
    }
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}
