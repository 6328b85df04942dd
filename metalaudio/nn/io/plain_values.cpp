#include <metalaudio/nn/io/plain_values.h>

#include <array>
#include <charconv>

namespace metalaudio::nn {

namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;
// Values, shared ones counted anew.
constexpr std::size_t kMaxOfEntry = 100'000;
constexpr std::size_t kMaxOfFile = 1'000'000;

/// "39/5" or "8".
bool parse_fraction(const std::string& text, std::array<std::int64_t, 2>& parts) {
  const char* const end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, parts[0]);
  if (parsed.ec == std::errc{} && parsed.ptr != end && *parsed.ptr == '/') {
    parsed = std::from_chars(parsed.ptr + 1, end, parts[1]);
  }
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

}  // namespace

std::span<const PickleValue::Ref> items_of(const PickleValue& value,
                                           std::size_t at_least) noexcept {
  const auto* const tuple = value.as<PickleValue::Tuple>();
  if (tuple == nullptr || tuple->items.size() < at_least) return {};
  return tuple->items;
}

std::optional<json> PlainValues::convert(const PickleValue& value) {
  of_entry_ = 0;
  json result;
  if (!convert(value, 0, result)) return std::nullopt;
  return result;
}

bool PlainValues::convert(const PickleValue& value, int depth, json& to) {
  if (depth >= kMaxDepth || ++of_entry_ > kMaxOfEntry || ++of_file_ > kMaxOfFile) return false;
  if (value.as<PickleValue::None>() != nullptr) {
    to = nullptr;
  } else if (const auto* const flag = value.as<bool>()) {
    to = *flag;
  } else if (const auto* const integer = value.as<std::int64_t>()) {
    to = *integer;
  } else if (const auto* const number = value.as<double>()) {
    to = *number;
  } else if (const auto* const text = value.as<std::string>()) {
    to = *text;
  } else if (const auto* const global = value.as<PickleValue::Global>()) {
    to = global->name;
  } else if (const auto* const tuple = value.as<PickleValue::Tuple>()) {
    return convert_items(tuple->items, depth + 1, to);
  } else if (const auto* const list = value.as<PickleValue::List>()) {
    return convert_items(list->items, depth + 1, to);
  } else if (const auto* const dict = value.as<PickleValue::Dict>()) {
    return convert_dict(*dict, depth + 1, to);
  } else if (const auto* const call = value.as<PickleValue::Call>()) {
    return call->function == "fractions.Fraction" && convert_fraction(*call, to);
  } else if (const auto* const persistent = value.as<PickleValue::Persistent>()) {
    return convert_class(*persistent, to);
  } else {
    return false;
  }
  return true;
}

bool PlainValues::convert_items(std::span<const PickleValue::Ref> items, int depth, json& to) {
  to = json::array();
  for (const PickleValue::Ref item : items) {
    to.emplace_back();
    if (!convert(pickle_[item], depth, to.back())) return false;
  }
  return true;
}

bool PlainValues::convert_dict(const PickleValue::Dict& dict, int depth, json& to) {
  to = json::object();
  for (const auto& [key, item] : dict.items) {
    const auto* const name = pickle_[key].as<std::string>();
    if (name == nullptr || !convert(pickle_[item], depth, to[*name])) return false;
  }
  return true;
}

bool PlainValues::convert_fraction(const PickleValue::Call& call, json& to) const {
  std::array<std::int64_t, 2> parts{0, 1};
  const auto arguments = items_of(pickle_[call.arguments], 1);
  if (arguments.empty() || arguments.size() > 2) return false;
  const auto* const text = pickle_[arguments[0]].as<std::string>();
  if (text != nullptr) {
    if (arguments.size() != 1 || !parse_fraction(*text, parts)) return false;
  } else {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const auto* const part = pickle_[arguments[i]].as<std::int64_t>();
      if (part == nullptr) return false;
      parts[i] = *part;
    }
  }
  to = {{"_type", "fraction"}, {"numerator", parts[0]}, {"denominator", parts[1]}};
  return parts[1] > 0;
}

/// The legacy layout wraps a class as ('module', class, file, source).
bool PlainValues::convert_class(const PickleValue::Persistent& persistent, json& to) const {
  const auto id = items_of(pickle_[persistent.id], 2);
  const auto* const kind = id.empty() ? nullptr : pickle_[id[0]].as<std::string>();
  const auto* const global = id.empty() ? nullptr : pickle_[id[1]].as<PickleValue::Global>();
  if (kind == nullptr || *kind != "module" || global == nullptr) return false;
  to = global->name;
  return true;
}

}  // namespace metalaudio::nn
