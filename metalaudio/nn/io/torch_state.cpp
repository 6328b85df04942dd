#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/plain_values.h>
#include <metalaudio/nn/io/torch_state.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <set>
#include <vector>

namespace metalaudio::nn {

namespace {

using nlohmann::json;
using Ref = PickleValue::Ref;

/// Where a dictionary of tensors may lie, the likeliest first.
constexpr std::array<const char*, 5> kStateNames{"state", "state_dict", "model_state_dict", "model",
                                                 "best_state"};
// Views may repeat stored elements (a tensor expanded before it was saved), within reason.
constexpr std::uint64_t kMaxExpansion = 16;
constexpr std::uint64_t kFreeElements = 1U << 20U;

struct StorageName {
  std::string_view name;
  DataType type;
};
constexpr std::array<StorageName, 10> kStorageNames{{{"torch.BFloat16Storage", DataType::bf16},
                                                     {"torch.BoolStorage", DataType::boolean},
                                                     {"torch.ByteStorage", DataType::u8},
                                                     {"torch.CharStorage", DataType::i8},
                                                     {"torch.DoubleStorage", DataType::f64},
                                                     {"torch.FloatStorage", DataType::f32},
                                                     {"torch.HalfStorage", DataType::f16},
                                                     {"torch.IntStorage", DataType::i32},
                                                     {"torch.LongStorage", DataType::i64},
                                                     {"torch.ShortStorage", DataType::i16}}};

/// A tensor as the pickle describes it.
struct View {
  std::string name;
  StorageId storage;
  std::uint64_t offset = 0;
  Shape shape;
  std::vector<std::int64_t> strides;
};

[[noreturn]] void refuse(const std::string& name, const char* reason) {
  fail(ErrorCode::invalid_data, "state '{}' {}", printable(name), reason);
}

std::vector<std::int64_t> integers(const Pickle& pickle, Ref tuple, const std::string& name) {
  if (pickle[tuple].as<PickleValue::Tuple>() == nullptr) refuse(name, "has no sizes or strides");
  std::vector<std::int64_t> result;
  for (const Ref item : items_of(pickle[tuple], 0)) {
    const auto* const value = pickle[item].as<std::int64_t>();
    if (value == nullptr || *value < 0) refuse(name, "has a size or stride that is none");
    result.push_back(*value);
  }
  return result;
}

/// Throws unless every element of the view lies inside its storage.
void check_bounds(const View& view) {
  if (view.shape.rank() != view.strides.size()) refuse(view.name, "has too few or many strides");
  if (view.shape.size() == 0) return;
  std::uint64_t last = view.offset;
  for (std::size_t axis = 0; axis < view.strides.size(); ++axis) {
    const auto steps = static_cast<std::uint64_t>(view.shape[axis] - 1);
    std::uint64_t reach = 0;
    if (__builtin_mul_overflow(steps, static_cast<std::uint64_t>(view.strides[axis]), &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      refuse(view.name, "reaches out of its storage");
    }
  }
  if (last >= view.storage.count) refuse(view.name, "reaches out of its storage");
}

View parse_view(const Pickle& pickle, const std::string& name, const PickleValue& value) {
  const auto* call = value.as<PickleValue::Call>();
  if (call != nullptr && call->function == "torch._utils._rebuild_parameter") {
    const auto wrapped = items_of(pickle[call->arguments], 1);
    call = wrapped.empty() ? nullptr : pickle[wrapped[0]].as<PickleValue::Call>();
  }
  if (call == nullptr || call->function != "torch._utils._rebuild_tensor_v2") {
    refuse(name, "is not a tensor");
  }
  const auto arguments = items_of(pickle[call->arguments], 4);
  if (arguments.empty()) refuse(name, "is a tensor without storage, offset, size or stride");
  const auto storage = storage_id(pickle, pickle[arguments[0]]);
  const auto* const offset = pickle[arguments[1]].as<std::int64_t>();
  if (!storage || offset == nullptr || *offset < 0) refuse(name, "is a tensor without storage");
  View view{name, *storage, static_cast<std::uint64_t>(*offset),
            checked_shape(integers(pickle, arguments[2], name), name),
            integers(pickle, arguments[3], name)};
  check_bounds(view);
  return view;
}

/// Whether it claims to be one.
bool is_tensor(const PickleValue& value) {
  const auto* const call = value.as<PickleValue::Call>();
  return call != nullptr && call->function.starts_with("torch._utils._rebuild_");
}

bool holds_tensors(const Pickle& pickle, const PickleValue& value) {
  const auto* const dict = value.as<PickleValue::Dict>();
  return dict != nullptr && std::ranges::any_of(dict->items, [&](const auto& item) {
           return is_tensor(pickle[item.second]);
         });
}

/// The dictionary of tensors, and its name; none for the root itself.
struct StatePlace {
  const PickleValue::Dict* dict = nullptr;
  std::string name = {};
};

std::string key_names(const Pickle& pickle) {
  const auto* const root = pickle[pickle.root].as<PickleValue::Dict>();
  std::string names;
  for (std::size_t i = 0; root != nullptr && i < std::min<std::size_t>(root->items.size(), 8);
       ++i) {
    const auto* const name = pickle[root->items[i].first].as<std::string>();
    if (name != nullptr) names += (names.empty() ? "" : ", ") + printable(*name);
  }
  return names.empty() ? "nothing with a name" : names;
}

StatePlace find_state(const Pickle& pickle) {
  const PickleValue& root = pickle[pickle.root];
  const char* first = nullptr;
  for (const char* name : kStateNames) {
    const PickleValue* const value = pickle.find(root, name);
    if (value == nullptr) continue;
    if (holds_tensors(pickle, *value)) return {value->as<PickleValue::Dict>(), name};
    if (first == nullptr) first = name;
  }
  if (holds_tensors(pickle, root)) return {root.as<PickleValue::Dict>()};
  if (first == nullptr) {
    fail(ErrorCode::invalid_data, "it holds no dictionary of tensors: it has {}",
         key_names(pickle));
  }
  const auto* const dict = pickle.find(root, first)->as<PickleValue::Dict>();
  if (dict == nullptr) fail(ErrorCode::invalid_data, "'{}' is not a dictionary", first);
  return {dict, first};
}

std::vector<View> parse_views(const Pickle& pickle, const PickleValue::Dict& dict) {
  std::vector<View> views;
  std::set<std::string> names;
  for (const auto& [key, value] : dict.items) {
    const auto* const name = pickle[key].as<std::string>();
    if (name == nullptr) fail(ErrorCode::invalid_data, "a name in its state is not a string");
    if (!is_tensor(pickle[value])) continue;
    if (!names.insert(*name).second) refuse(*name, "is there twice");
    views.push_back(parse_view(pickle, *name, pickle[value]));
  }
  std::ranges::sort(views, {}, [](const View& view) { return view.storage.key; });
  return views;
}

void check_expansion(const std::vector<View>& views) {
  std::uint64_t wanted = 0;
  std::uint64_t stored = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto size = static_cast<std::uint64_t>(views[i].shape.size());
    if (__builtin_add_overflow(wanted, size, &wanted)) refuse(views[i].name, "is too large");
    if (i > 0 && views[i].storage.key == views[i - 1].storage.key) {
      if (views[i].storage != views[i - 1].storage) refuse(views[i].name, "redefines its storage");
    } else if (__builtin_add_overflow(stored, views[i].storage.count, &stored)) {
      refuse(views[i].name, "is too large");
    }
  }
  if (wanted > kFreeElements && (wanted - kFreeElements) / kMaxExpansion > stored) {
    fail(ErrorCode::invalid_data, "its tensors expand {} stored elements to {}", stored, wanted);
  }
}

/// Copies the elements below one index of the axes before `axis`; returns where the next go.
std::size_t copy_axis(const View& view, std::span<const std::byte> storage, std::size_t axis,
                      std::uint64_t position, Tensor& to, std::size_t place) {
  const std::size_t each = size_of(view.storage.type);
  if (axis == view.shape.rank()) {
    read_elements(view.storage.type, storage.subspan(position * each, each), to, place);
    return place + 1;
  }
  const auto extent = static_cast<std::size_t>(view.shape[axis]);
  const auto stride = static_cast<std::uint64_t>(view.strides[axis]);
  if (axis + 1 == view.shape.rank() && stride == 1) {
    read_elements(view.storage.type, storage.subspan(position * each, extent * each), to, place);
    return place + extent;
  }
  for (std::size_t i = 0; i < extent; ++i) {
    place = copy_axis(view, storage, axis + 1, position + i * stride, to, place);
  }
  return place;
}

bool is_contiguous(const View& view) {
  std::int64_t stride = 1;
  for (std::size_t axis = view.shape.rank(); axis-- > 0;) {
    if (view.shape[axis] != 1 && view.strides[axis] != stride) return false;
    stride *= view.shape[axis];
  }
  return true;
}

/// Storages that several threads read, one after the other; the last one is at hand.
class SharedStorages {
 public:
  explicit SharedStorages(std::shared_ptr<StorageSource> source) : source_(std::move(source)) {}

  /// Elements of a view from `first` on, in row-major order.
  void read(const View& view, std::size_t first, Tensor& to) {
    const std::lock_guard lock(mutex_);
    if (!last_ || *last_ != view.storage) {
      last_.reset();
      bytes_ = source_->read(view.storage);
      last_ = view.storage;
    }
    if (to.size() == 0) return;
    if (is_contiguous(view)) {
      const std::size_t each = size_of(view.storage.type);
      read_elements(view.storage.type,
                    bytes_.subspan((view.offset + first) * each, to.size() * each), to, 0);
    } else if (to.size() == static_cast<std::size_t>(view.shape.size())) {
      copy_axis(view, bytes_, 0, view.offset, to, 0);
    } else {
      Tensor whole(view.shape, to.type());
      copy_axis(view, bytes_, 0, view.offset, whole, 0);
      const std::size_t each = size_of(to.type());
      std::memcpy(to.view().address(), whole.view().address() + first * each, to.bytes());
    }
  }

 private:
  std::shared_ptr<StorageSource> source_;
  std::mutex mutex_;
  std::span<const std::byte> bytes_;  // guarded by mutex_, as all below
  std::optional<StorageId> last_;
};

/// The plain values of a dictionary but for one of its keys.
void add_metadata(const Pickle& pickle, const PickleValue::Dict& dict, std::string_view but,
                  PlainValues& plain, json& metadata) {
  for (const auto& [key, value] : dict.items) {
    const auto* const name = pickle[key].as<std::string>();
    if (name == nullptr || *name == but || is_tensor(pickle[value])) continue;
    if (auto converted = plain.convert(pickle[value])) metadata[*name] = *std::move(converted);
  }
}

json metadata_of(const Pickle& pickle, const StatePlace& place) {
  json metadata = json::object();
  PlainValues plain(pickle);
  if (const auto* const root = pickle[pickle.root].as<PickleValue::Dict>()) {
    add_metadata(pickle, *root, place.name, plain, metadata);
  }
  if (place.name.empty()) return metadata;
  json inner = json::object();
  add_metadata(pickle, *place.dict, "", plain, inner);
  if (!inner.empty()) metadata[place.name] = std::move(inner);
  return metadata;
}

}  // namespace

std::optional<StorageId> storage_id(const Pickle& pickle, const PickleValue& persistent) {
  const auto* const id = persistent.as<PickleValue::Persistent>();
  if (id == nullptr) return std::nullopt;
  const auto items = items_of(pickle[id->id], 5);
  const auto* const kind = items.empty() ? nullptr : pickle[items[0]].as<std::string>();
  if (kind == nullptr || *kind != "storage") return std::nullopt;
  const auto* const global = pickle[items[1]].as<PickleValue::Global>();
  const auto* const key = pickle[items[2]].as<std::string>();
  const auto* const count = pickle[items[4]].as<std::int64_t>();
  if (global == nullptr || key == nullptr || count == nullptr || *count < 0) {
    fail(ErrorCode::invalid_data, "a storage lacks its type, key or size");
  }
  if (items.size() > 5 && pickle[items[5]].as<PickleValue::None>() == nullptr) {
    fail(ErrorCode::unsupported, "storage '{}' is a view of another", printable(*key));
  }
  const auto* const found = std::ranges::find(kStorageNames, global->name, &StorageName::name);
  if (found == kStorageNames.end()) {
    fail(ErrorCode::invalid_data, "'{}' is not a type of storage", global->name);
  }
  return StorageId{*key, found->type, static_cast<std::uint64_t>(*count)};
}

StoredState stored_state(const Pickle& pickle, std::shared_ptr<StorageSource> storages) {
  const StatePlace place = find_state(pickle);
  std::vector<View> views = parse_views(pickle, *place.dict);
  check_expansion(views);
  StoredState result;
  result.metadata = metadata_of(pickle, place);
  const auto shared = std::make_shared<SharedStorages>(std::move(storages));
  for (View& view : views) {
    StoredTensor tensor{view.name, view.shape, view.storage.type, {}};
    tensor.read = [shared, view = std::move(view)](std::size_t first, Tensor& to) {
      shared->read(view, first, to);
    };
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

StateFile build_state(const Pickle& pickle, StorageSource& storages, const StateOptions& options) {
  // Read before this returns: it need not be kept.
  return read_all(stored_state(pickle, {std::shared_ptr<void>(), &storages}), options);
}

}  // namespace metalaudio::nn
