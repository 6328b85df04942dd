#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/torch_file.h>
#include <metalaudio/nn/io/torch_state.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

namespace metalaudio::nn {

namespace {

using Bytes = std::span<const std::byte>;

// A pickle of the integer 0x1950a86a20f9469cfc6c, whose second byte is the pickle protocol.
constexpr std::string_view kMagic = "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.";
constexpr std::int64_t kProtocol = 1001;
constexpr std::size_t kMaxPickleBytes = 16U << 20U;

/// Takes the next pickle off the bytes.
Pickle next_pickle(Bytes& rest) {
  Pickle pickle = parse_pickle(rest.first(std::min(rest.size(), kMaxPickleBytes)));
  rest = rest.subspan(pickle.bytes);
  return pickle;
}

/// The storages follow each other, each after its number of elements.
class LegacyStorages : public StorageSource {
 public:
  LegacyStorages(const Pickle& object, const Pickle& keys, Bytes rest,
                 std::shared_ptr<const FileBytes> owner)
      : owner_(std::move(owner)) {
    std::map<std::string, StorageId, std::less<>> declared;
    for (const PickleValue& value : object.values) {
      if (const auto storage = storage_id(object, value)) declared[storage->key] = *storage;
    }
    const auto* const list = keys[keys.root].as<PickleValue::List>();
    if (list == nullptr) fail(ErrorCode::invalid_data, "it has no list of storages");
    for (const PickleValue::Ref item : list->items) {
      const auto* const key = keys[item].as<std::string>();
      const auto found = key == nullptr ? declared.end() : declared.find(*key);
      if (found == declared.end()) fail(ErrorCode::invalid_data, "it stores what no tensor uses");
      storages_[*key] = take(found->second, rest);
    }
  }

  Bytes read(const StorageId& storage) override {
    const auto found = storages_.find(storage.key);
    if (found == storages_.end() || found->second.size() != storage.count * size_of(storage.type)) {
      fail(ErrorCode::invalid_data, "storage '{}' is missing or changes its size",
           printable(storage.key));
    }
    return found->second;
  }

 private:
  static Bytes take(const StorageId& storage, Bytes& rest) {
    std::uint64_t count = 0;
    if (rest.size() >= sizeof count) std::memcpy(&count, rest.data(), sizeof count);
    const std::uint64_t each = size_of(storage.type);
    if (rest.size() < sizeof count || count != storage.count ||
        count > (rest.size() - sizeof count) / each) {
      fail(ErrorCode::invalid_data, "storage '{}' of {} elements is cut short or has another size",
           printable(storage.key), storage.count);
    }
    const Bytes bytes = rest.subspan(sizeof count, count * each);
    rest = rest.subspan(sizeof count + count * each);
    return bytes;
  }

  std::shared_ptr<const FileBytes> owner_;
  std::map<std::string, Bytes> storages_;
};

}  // namespace

bool is_torch_legacy(Bytes file) noexcept {
  return file.size() >= kMagic.size() &&
         std::memcmp(file.data() + 2, kMagic.data() + 2, kMagic.size() - 2) == 0;
}

namespace {

/// The storages are parts of the file's bytes.
StoredState open(Bytes file, std::shared_ptr<const FileBytes> owner) {
  if (!is_torch_legacy(file)) fail(ErrorCode::invalid_data, "the magic number is missing");
  Bytes rest = file.subspan(kMagic.size());
  const Pickle protocol = next_pickle(rest);
  const auto* const number = protocol[protocol.root].as<std::int64_t>();
  if (number == nullptr || *number != kProtocol) {
    fail(ErrorCode::unsupported, "a torch file of another protocol than {}", kProtocol);
  }
  const Pickle system = next_pickle(rest);
  const PickleValue* const order = system.find(system[system.root], "little_endian");
  const auto* const little = order == nullptr ? nullptr : order->as<bool>();
  if (little == nullptr || !*little) {
    fail(ErrorCode::unsupported, "it is stored in big-endian order");
  }
  const Pickle object = next_pickle(rest);
  const Pickle keys = next_pickle(rest);
  return stored_state(object,
                      std::make_shared<LegacyStorages>(object, keys, rest, std::move(owner)));
}

}  // namespace

StoredState open_torch_legacy(std::shared_ptr<const FileBytes> file) {
  const Bytes bytes = file->bytes();
  return open(bytes, std::move(file));
}

StateFile parse_torch_legacy(Bytes file, const StateOptions& options) {
  return read_all(open(file, nullptr), options);
}

}  // namespace metalaudio::nn
