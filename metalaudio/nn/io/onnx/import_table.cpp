#include <metalaudio/nn/io/onnx/import_table.h>

#include <unordered_map>

namespace metalaudio::nn {

ImportFunction find_import(std::string_view domain, std::string_view type) {
  static const auto table = [] {
    std::unordered_map<std::string_view, ImportFunction> all;
    for (const auto family :
         {attention_imports(), constant_imports(), convolution_imports(), elementwise_imports(),
          indexing_imports(), linear_imports(), linear_attention_imports(), loss_imports(),
          movement_imports(), ngram_imports(), normalisation_imports(), pooling_imports(),
          quantisation_imports(), recurrent_imports(), reduction_imports(), region_imports(),
          resize_imports(), sampling_imports(), signal_imports()}) {
      for (const ImportEntry& entry : family) all.emplace(entry.type, entry.import);
    }
    return all;
  }();
  if (!domain.empty()) return nullptr;
  const auto found = table.find(type);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace metalaudio::nn
