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

std::size_t rows_of_task(std::size_t rows, std::size_t planes, std::size_t unit,
                         std::size_t threads, std::size_t most) noexcept {
  // Reading the matrix, and waiting for one another, takes as long as some rows.
  constexpr std::size_t kRowsOfOverhead = 12;
  std::size_t best = std::max(unit, most / unit * unit);
  if (threads < 2) return best;
  const auto time = [&](std::size_t block) {
    const std::size_t tasks = planes * blocks_of(rows, block);
    return blocks_of(tasks, threads) * (std::min(block, rows) + kRowsOfOverhead);
  };
  for (std::size_t block = best; block >= unit; block -= unit) {
    if (time(block) < time(best)) best = block;
  }
  return best;
}

Array<float> floats_of(const Graph& graph, Value value) {
  return floats_of(graph.info(value).constant);
}

Array<float> floats_of(const Constant& constant) {
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
