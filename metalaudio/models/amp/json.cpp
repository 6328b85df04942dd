#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/json.h>
#include <metalaudio/nn/io/json_text.h>

#include <charconv>
#include <cmath>

namespace metalaudio::models::amp {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20U;
constexpr int kMostDepth = 32;

[[noreturn]] void refuse(const std::string& what, const char* expected) {
  fail(ErrorCode::invalid_data, "[Amp] {}: expected {}", what, expected);
}

void collect(const Json& value, const std::string& what, std::vector<float>& out) {
  if (value.is_array()) {
    for (const Json& item : value) collect(item, what, out);
    return;
  }
  if (!value.is_number()) refuse(what, "numbers");
  const auto number = static_cast<float>(value.get<double>());
  if (!std::isfinite(number)) refuse(what, "numbers in the range of float32");
  out.push_back(number);
}

}  // namespace

Json parse_json(std::span<const std::byte> bytes) {
  if (bytes.size() > kMostBytes)
    fail(ErrorCode::invalid_data, "[Amp] a JSON file of {} MiB: at most {}", bytes.size() >> 20U,
         kMostBytes >> 20U);
  if (bytes.empty()) fail(ErrorCode::invalid_data, "[Amp] an empty file");
  const auto* const first = reinterpret_cast<const char*>(bytes.data());
  try {
    return Json::parse(first, first + bytes.size(), [](int depth, Json::parse_event_t, Json&) {
      if (depth > kMostDepth)
        fail(ErrorCode::invalid_data, "[Amp] JSON more than {} levels deep", kMostDepth);
      return true;
    });
  } catch (const Json::exception& error) {
    fail(ErrorCode::invalid_data, "[Amp] not a JSON file: {}", nn::json_failure(error));
  }
}

const Json* find_member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& member(const Json& object, const char* key) {
  const Json* found = find_member(object, key);
  if (found == nullptr) fail(ErrorCode::invalid_data, "[Amp] {} is missing", key);
  return *found;
}

std::size_t checked_count(const Json& value, const std::string& what, std::size_t least,
                          std::size_t most) {
  if (!value.is_number() || value.get<double>() != std::floor(value.get<double>()) ||
      value.get<double>() < static_cast<double>(least) ||
      value.get<double>() > static_cast<double>(most))
    fail(ErrorCode::invalid_data, "[Amp] {} {}: expected a whole number from {} to {}", what,
         value.is_primitive() ? value.dump() : "that is no number", least, most);
  return static_cast<std::size_t>(value.get<double>());
}

std::size_t count_of(const Json& object, const char* key, std::size_t least, std::size_t most) {
  return checked_count(member(object, key), key, least, most);
}

std::size_t count_of(const Json& object, const char* key, std::size_t least, std::size_t most,
                     std::size_t otherwise) {
  const Json* found = find_member(object, key);
  return found == nullptr ? otherwise : checked_count(*found, key, least, most);
}

bool flag_of(const Json& object, const char* key, std::optional<bool> otherwise) {
  const Json* found = find_member(object, key);
  if (found == nullptr && otherwise) return *otherwise;
  const Json& value = member(object, key);
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0.0;
  refuse(key, "true or false");
}

std::optional<double> number_of(const Json& object, const char* key) {
  const Json* found = find_member(object, key);
  if (found == nullptr) return std::nullopt;
  double number = NAN;
  if (found->is_number()) number = found->get<double>();
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = NAN;
  }
  if (!std::isfinite(number)) refuse(key, "a number");
  return number;
}

std::string text_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string()) refuse(key, "a text");
  return value.get<std::string>();
}

std::vector<float> floats_of(const Json& value, const std::string& what) {
  std::vector<float> result;
  if (!value.is_array()) refuse(what, "a list of numbers");
  result.reserve(value.size());
  collect(value, what, result);
  return result;
}

std::vector<std::size_t> extents_of(const Json& value, const std::string& what) {
  std::vector<std::size_t> extents;
  std::size_t count = 1;
  for (const Json* level = &value; level->is_array(); level = &level->front()) {
    extents.push_back(level->size());
    count *= level->size();
    if (level->empty()) break;
  }
  if (floats_of(value, what).size() != count) refuse(what, "nested lists of equal lengths");
  return extents;
}

Matrix matrix_of(const Json& value, const std::string& what, std::size_t rows,
                 std::size_t columns) {
  const std::vector<std::size_t> extents = extents_of(value, what);
  if (extents.size() != 2 || extents[0] == 0 || extents[1] == 0)
    refuse(what, "a list of lists of numbers");
  if ((rows != 0 && extents[0] != rows) || (columns != 0 && extents[1] != columns))
    fail(ErrorCode::invalid_data, "[Amp] {} is {} x {}: expected {} x {}", what, extents[0],
         extents[1], rows == 0 ? extents[0] : rows, columns == 0 ? extents[1] : columns);
  Matrix matrix;
  matrix.rows = extents[0];
  matrix.columns = extents[1];
  matrix.values = floats_of(value, what);
  return matrix;
}

std::vector<float> WeightList::take(std::size_t count) {
  if (count > values_.size() - taken_)
    fail(ErrorCode::invalid_data, "[Amp] {} weights: too few, {} are needed after the first {}",
         values_.size(), count, taken_);
  const auto first = values_.begin() + static_cast<std::ptrdiff_t>(taken_);
  taken_ += count;
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

float WeightList::last() const {
  if (values_.empty()) fail(ErrorCode::invalid_data, "[Amp] no weights");
  return values_.back();
}

void WeightList::finish() const {
  if (taken_ != values_.size())
    fail(ErrorCode::invalid_data, "[Amp] {} weights: too many, the network has {}", values_.size(),
         taken_);
}

}  // namespace metalaudio::models::amp
