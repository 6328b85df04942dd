#pragma once

#include <metalaudio/nn/io/pickle.h>
#include <metalaudio/nn/io/stored_state.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace metalaudio::nn {

/// A block of elements that one or more tensors of a torch file view.
struct StorageId {
  std::string key;
  DataType type = DataType::f32;
  std::uint64_t count = 0;

  friend bool operator==(const StorageId&, const StorageId&) = default;
};

/// What a persistent id of the pickle names; nothing if it is no storage.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone.
std::optional<StorageId> storage_id(const Pickle& pickle, const PickleValue& persistent);

/// The part of a torch file that holds the storages' bytes.
/// Threads:  one caller at a time.
class StorageSource {
 public:
  virtual ~StorageSource() = default;
  /// All bytes of a storage, valid until the next call.
  /// Errors:   throws Error{invalid_data} if they are missing, damaged, or not so many.
  virtual std::span<const std::byte> read(const StorageId& storage) = 0;
};

/// Builds what torch.save() has pickled: load_state() says where the tensors may lie. Entries that
/// are no plain values (an optimizer's state, say) are left out of the metadata.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone.
StateFile build_state(const Pickle& pickle, StorageSource& storages,
                      const StateOptions& options = {});
/// The same without reading tensors; what reads them keeps the storages.
StoredState stored_state(const Pickle& pickle, std::shared_ptr<StorageSource> storages);

}  // namespace metalaudio::nn
