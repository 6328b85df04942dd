#pragma once

#include <metalaudio/core/file_bytes.h>
#include <metalaudio/nn/io/state_file.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// A tensor that still lies in its file.
struct StoredTensor {
  std::string name = {};
  Shape shape = {};
  DataType type = DataType::f32;
  /// Writes its elements from `first` on, in row-major order, into all of `to`, which has its type
  /// or float32. It may be called from any thread.
  /// Errors: throws Error{invalid_data} with the reason alone.
  std::function<void(std::size_t first, Tensor& to)> read = {};
};

/// What a file of weights holds, as far as its directory says. The tensors refer to the file, or to
/// the bytes that it was made of.
struct StoredState {
  nlohmann::json metadata = nlohmann::json::object();
  std::vector<StoredTensor> tensors;  ///< in the order in which reading all of them is cheapest
};

/// Bytes in memory or in a file, of which parts are read.
struct ByteSource {
  std::uint64_t size = 0;
  std::function<void(std::uint64_t first, std::span<std::byte> to)> read = {};
};

StateFile read_all(const StoredState& stored, const StateOptions& options);

/// What the parse functions of these formats do, without reading tensors. A zip archive is read as
/// its tensors are; of the legacy layout all bytes are kept.
StoredState open_torch_zip(const std::shared_ptr<const FileReader>& file);
StoredState open_torch_legacy(std::shared_ptr<const FileBytes> file);
StoredState open_safetensors(const ByteSource& file);
/// Whether a file of this size that begins so may be one.
bool may_be_safetensors(std::span<const std::byte> head, std::uint64_t size) noexcept;

}  // namespace metalaudio::nn
