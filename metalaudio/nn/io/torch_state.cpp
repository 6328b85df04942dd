#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/torch_state.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <vector>

namespace metalaudio::nn {

namespace {

using nlohmann::json;
using Ref = PickleValue::Ref;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxArguments =
    100'000;  // values in args and kwargs, shared ones counted anew
// Views may repeat stored elements (a tensor expanded before it was saved), within reason.
constexpr std::uint64_t kMaxExpansion = 16;
constexpr std::uint64_t kFreeElements = 1U << 20U;

struct StorageName {
  std::string_view name;
  ElementType type;
};
constexpr std::array<StorageName, 10> kStorageNames{{{"torch.BFloat16Storage", ElementType::bf16},
                                                     {"torch.BoolStorage", ElementType::boolean},
                                                     {"torch.ByteStorage", ElementType::u8},
                                                     {"torch.CharStorage", ElementType::i8},
                                                     {"torch.DoubleStorage", ElementType::f64},
                                                     {"torch.FloatStorage", ElementType::f32},
                                                     {"torch.HalfStorage", ElementType::f16},
                                                     {"torch.IntStorage", ElementType::i32},
                                                     {"torch.LongStorage", ElementType::i64},
                                                     {"torch.ShortStorage", ElementType::i16}}};

/// A tensor as the pickle describes it.
struct View {
  std::string name;
  StorageId storage;
  std::uint64_t offset = 0;
  Shape shape;
  std::vector<std::int64_t> strides;
};

/// The items of a tuple; none if it is no tuple or a shorter one.
std::span<const Ref> items_of(const PickleValue& value, std::size_t at_least) {
  const auto* const tuple = value.as<PickleValue::Tuple>();
  if (tuple == nullptr || tuple->items.size() < at_least) return {};
  return tuple->items;
}

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

std::vector<View> parse_state(const Pickle& pickle, const PickleValue& state) {
  const auto* const dict = state.as<PickleValue::Dict>();
  if (dict == nullptr) fail(ErrorCode::invalid_data, "'state' is not a dictionary");
  if (pickle.find(state, "__quantized") != nullptr) {
    fail(ErrorCode::unsupported, "diffq-quantised weights are not supported");
  }
  std::vector<View> views;
  std::set<std::string> names;
  for (const auto& [key, value] : dict->items) {
    const auto* const name = pickle[key].as<std::string>();
    if (name == nullptr) fail(ErrorCode::invalid_data, "a name in 'state' is not a string");
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
float* copy_axis(const View& view, std::span<const std::byte> storage, std::size_t axis,
                 std::uint64_t position, float* out) {
  const std::size_t each = element_bytes(view.storage.type);
  if (axis == view.shape.rank()) {
    widen(view.storage.type, storage.subspan(position * each, each), {out, 1});
    return out + 1;
  }
  const auto extent = static_cast<std::size_t>(view.shape[axis]);
  const auto stride = static_cast<std::uint64_t>(view.strides[axis]);
  if (axis + 1 == view.shape.rank() && stride == 1) {
    widen(view.storage.type, storage.subspan(position * each, extent * each), {out, extent});
    return out + extent;
  }
  for (std::size_t i = 0; i < extent; ++i) {
    out = copy_axis(view, storage, axis + 1, position + i * stride, out);
  }
  return out;
}

json to_json(const Pickle& pickle, const PickleValue& value, int depth, std::size_t& budget);

json fraction_to_json(const Pickle& pickle, const PickleValue::Call& call) {
  std::array<std::int64_t, 2> parts{0, 1};
  const auto arguments = items_of(pickle[call.arguments], 1);
  bool valid = !arguments.empty() && arguments.size() <= 2;
  const auto* const text = valid ? pickle[arguments[0]].as<std::string>() : nullptr;
  if (text != nullptr && arguments.size() == 1) {  // "39/5" or "8"
    const char* const end = text->data() + text->size();
    auto parsed = std::from_chars(text->data(), end, parts[0]);
    valid = parsed.ec == std::errc{};
    if (valid && parsed.ptr != end && *parsed.ptr == '/') {
      parsed = std::from_chars(parsed.ptr + 1, end, parts[1]);
    }
    valid = valid && parsed.ec == std::errc{} && parsed.ptr == end;
  } else {
    for (std::size_t i = 0; valid && i < arguments.size(); ++i) {
      const auto* const part = pickle[arguments[i]].as<std::int64_t>();
      valid = part != nullptr;
      if (valid) parts[i] = *part;
    }
  }
  if (!valid || parts[1] <= 0) fail(ErrorCode::invalid_data, "an argument is a broken Fraction");
  return {{"_type", "fraction"}, {"numerator", parts[0]}, {"denominator", parts[1]}};
}

json list_to_json(const Pickle& pickle, std::span<const Ref> items, int depth,
                  std::size_t& budget) {
  json list = json::array();
  for (const Ref item : items) list.push_back(to_json(pickle, pickle[item], depth, budget));
  return list;
}

json dict_to_json(const Pickle& pickle, const PickleValue::Dict& dict, int depth,
                  std::size_t& budget) {
  json object = json::object();
  for (const auto& [key, item] : dict.items) {
    const auto* const name = pickle[key].as<std::string>();
    if (name == nullptr) fail(ErrorCode::invalid_data, "an argument's name is not a string");
    object[*name] = to_json(pickle, pickle[item], depth, budget);
  }
  return object;
}

json to_json(const Pickle& pickle, const PickleValue& value, int depth, std::size_t& budget) {
  if (depth >= kMaxDepth) fail(ErrorCode::invalid_data, "its arguments are nested too deeply");
  if (budget-- == 0) fail(ErrorCode::invalid_data, "its arguments are too many");
  if (value.as<PickleValue::None>() != nullptr) return nullptr;
  if (const auto* const flag = value.as<bool>()) return *flag;
  if (const auto* const integer = value.as<std::int64_t>()) return *integer;
  if (const auto* const number = value.as<double>()) return *number;
  if (const auto* const text = value.as<std::string>()) return *text;
  if (const auto* const tuple = value.as<PickleValue::Tuple>()) {
    return list_to_json(pickle, tuple->items, depth + 1, budget);
  }
  if (const auto* const list = value.as<PickleValue::List>()) {
    return list_to_json(pickle, list->items, depth + 1, budget);
  }
  if (const auto* const dict = value.as<PickleValue::Dict>()) {
    return dict_to_json(pickle, *dict, depth + 1, budget);
  }
  const auto* const call = value.as<PickleValue::Call>();
  if (call != nullptr && call->function == "fractions.Fraction") {
    return fraction_to_json(pickle, *call);
  }
  fail(ErrorCode::invalid_data, "an argument is neither a number, text, list nor dictionary");
}

const PickleValue& entry(const Pickle& pickle, const char* key) {
  const PickleValue* const value = pickle.find(pickle[pickle.root], key);
  if (value == nullptr) {
    fail(ErrorCode::invalid_data, "it has no '{}': not a demucs checkpoint", key);
  }
  return *value;
}

/// The class is a global, which the legacy layout wraps as ('module', class, file, source).
std::string class_name(const Pickle& pickle) {
  const PickleValue* value = &entry(pickle, "klass");
  if (const auto* const persistent = value->as<PickleValue::Persistent>()) {
    const auto id = items_of(pickle[persistent->id], 2);
    if (!id.empty()) value = &pickle[id[1]];
  }
  const auto* const global = value->as<PickleValue::Global>();
  if (global == nullptr || !global->name.starts_with("demucs.")) {
    fail(ErrorCode::invalid_data, "'klass' is not a class of demucs");
  }
  return global->name;
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

Checkpoint build_checkpoint(const Pickle& pickle, StorageSource& storages, CheckpointPart part) {
  Checkpoint checkpoint;
  checkpoint.klass = class_name(pickle);
  std::size_t budget = kMaxArguments;
  checkpoint.args = to_json(pickle, entry(pickle, "args"), 0, budget);
  checkpoint.kwargs = to_json(pickle, entry(pickle, "kwargs"), 0, budget);
  if (!checkpoint.args.is_array() || !checkpoint.kwargs.is_object()) {
    fail(ErrorCode::invalid_data, "'args' is not a list or 'kwargs' not a dictionary");
  }
  const std::vector<View> views = parse_state(pickle, entry(pickle, "state"));
  check_expansion(views);
  if (part == CheckpointPart::configuration) return checkpoint;
  std::span<const std::byte> bytes;
  const StorageId* loaded = nullptr;
  for (const View& view : views) {
    if (loaded == nullptr || *loaded != view.storage) bytes = storages.read(view.storage);
    loaded = &view.storage;
    Tensor& tensor = checkpoint.state[view.name] = Tensor(view.shape);
    if (tensor.size() > 0) copy_axis(view, bytes, 0, view.offset, tensor.data());
  }
  return checkpoint;
}

}  // namespace metalaudio::nn
