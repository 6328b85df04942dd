#pragma once

#include <metalaudio/core/file_bytes.h>
#include <metalaudio/nn/io/onnx/onnx_file.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace onnx {
class TensorProto;
class SparseTensorProto;
}  // namespace onnx

namespace metalaudio::nn {

/// The type of ONNX's number for it, that of narrow types wider; nothing for those that no Tensor
/// holds.
std::optional<DataType> data_type_of(int onnx_type);
/// "FLOAT", "STRING", "type 99".
std::string onnx_type_name(int onnx_type);

/// Turns the tensors of one model into Tensors.
/// Errors:   throws Error{invalid_data, io, not_found}; a type that no Tensor holds gives
///           `trouble`.
class TensorReader {
 public:
  /// Sparse tensors that together would take more than `sparse_bytes` give trouble.
  TensorReader(std::filesystem::path folder, std::size_t sparse_bytes)
      : folder_(std::move(folder)), sparse_bytes_(sparse_bytes) {}

  OnnxTensor read(const onnx::TensorProto& proto);
  OnnxTensor read(const onnx::SparseTensorProto& proto);

 private:
  std::optional<FileBytes> external(const onnx::TensorProto& proto, std::size_t bytes);
  const std::filesystem::path& find(std::string_view location);

  std::filesystem::path folder_;
  std::size_t sparse_bytes_;
  std::map<std::string, std::filesystem::path, std::less<>> files_;  ///< by location
};

}  // namespace metalaudio::nn
