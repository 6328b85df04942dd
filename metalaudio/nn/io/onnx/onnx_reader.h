#pragma once

#include <metalaudio/nn/io/onnx/onnx_file.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace metalaudio::nn {

/// Reads a serialised ModelProto. Tensors that it keeps in other files are looked for in `folder`
/// and nowhere else; without a folder they are an error.
/// A few bytes can ask for terabytes: sparse tensors of more than `sparse_bytes` together are not
/// read, and are an error where a node needs them.
/// Errors:   throws Error{invalid_data, unsupported, io, not_found}.
OnnxFile read_onnx(std::span<const std::byte> bytes, const std::filesystem::path& folder,
                   std::size_t sparse_bytes);

/// Reads a serialised TensorProto, as ONNX's own tests keep their data.
/// Errors:   throws Error{invalid_data, unsupported}.
struct NamedTensor {
  std::string name = {};
  Tensor tensor = {};
};
NamedTensor read_onnx_tensor(std::span<const std::byte> bytes);

}  // namespace metalaudio::nn
