#pragma once

#include <metalaudio/nn/io/checkpoint.h>
#include <metalaudio/nn/io/pickle.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace metalaudio::nn {

/// A block of elements that one or more tensors of a torch file view.
struct StorageId {
  std::string key;
  ElementType type = ElementType::f32;
  std::uint64_t count = 0;

  friend bool operator==(const StorageId&, const StorageId&) = default;
};

/// What a persistent id of the pickle names; nothing if it is no storage.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone.
std::optional<StorageId> storage_id(const Pickle& pickle, const PickleValue& persistent);

/// The part of a torch file that holds the storages' bytes.
class StorageSource {
 public:
  virtual ~StorageSource() = default;
  /// All bytes of a storage, valid until the next call.
  /// Errors:   throws Error{invalid_data} if they are missing, damaged, or not so many.
  virtual std::span<const std::byte> read(const StorageId& storage) = 0;
};

/// Builds the checkpoint that upstream's serialize_model() has pickled.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone.
Checkpoint build_checkpoint(const Pickle& pickle, StorageSource& storages,
                            CheckpointPart part = CheckpointPart::whole);

}  // namespace metalaudio::nn
