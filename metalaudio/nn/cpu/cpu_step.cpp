#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

Workers::Workers(ThreadPool* pool, const ScratchNeeds& needs)
    : pool_(pool), scratch_(pool != nullptr ? pool->threads() : 1) {
  for (ThreadScratch& scratch : scratch_) {
    scratch.gemm.reserve(needs.gemm);
    scratch.floats = Array<float>(needs.floats);
    scratch.transform_doubles = dsp::FftScratch<double>(needs.transform_doubles);
  }
}

Array<float> floats_of(const Graph& graph, Value value) {
  const Constant& constant = graph.info(value).constant;
  if (constant.type().type == DataType::f32) return Array<float>(constant.copy().take_buffer());
  const std::shared_ptr<const Tensor> tensor = constant.tensor();
  Array<float> floats(tensor->size());
  visit_type(tensor->type(), [&]<typename T>(std::type_identity<T>) {
    const std::span<const T> from = tensor->values_as<T>();
    for (std::size_t i = 0; i < from.size(); ++i) floats[i] = static_cast<float>(from[i]);
  });
  return floats;
}

}  // namespace metalaudio::nn::cpu
