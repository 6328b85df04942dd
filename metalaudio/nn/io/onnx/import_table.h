#pragma once

#include <metalaudio/nn/io/onnx/call.h>

#include <span>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// Writes what a node means with the builder, and gives its results.
using ImportFunction = std::vector<Value> (*)(Call& call);

struct ImportEntry {
  std::string_view type;
  ImportFunction import;
};

/// The function of an operation; null where there is none, and for every domain but ONNX's own.
ImportFunction find_import(std::string_view domain, std::string_view type);

// One list for each family; the functions read like the specification.
std::span<const ImportEntry> attention_imports();
std::span<const ImportEntry> constant_imports();
std::span<const ImportEntry> convolution_imports();
std::span<const ImportEntry> elementwise_imports();
std::span<const ImportEntry> indexing_imports();
std::span<const ImportEntry> linear_imports();
std::span<const ImportEntry> linear_attention_imports();
std::span<const ImportEntry> loss_imports();
std::span<const ImportEntry> movement_imports();
std::span<const ImportEntry> ngram_imports();
std::span<const ImportEntry> normalisation_imports();
std::span<const ImportEntry> pooling_imports();
std::span<const ImportEntry> quantisation_imports();
std::span<const ImportEntry> recurrent_imports();
std::span<const ImportEntry> reduction_imports();
std::span<const ImportEntry> region_imports();
std::span<const ImportEntry> resize_imports();
std::span<const ImportEntry> sampling_imports();
std::span<const ImportEntry> signal_imports();

}  // namespace metalaudio::nn
