#pragma once

#include <metalaudio/models/amp/program_builder.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::models::amp {

/// Objects keep their order, which is that of the layers in a PyTorch state dictionary.
using Json = nlohmann::ordered_json;

/// Errors:   each throws Error{invalid_data} on what is not there, of another type or out of range.
Json parse_json(std::span<const std::byte> bytes);

/// A whole number from `least` to `most`.
std::size_t count_of(const Json& object, const char* key, std::size_t least, std::size_t most);
std::size_t count_of(const Json& object, const char* key, std::size_t least, std::size_t most,
                     std::size_t otherwise);
std::size_t checked_count(const Json& value, const std::string& what, std::size_t least,
                          std::size_t most);
bool flag_of(const Json& object, const char* key, std::optional<bool> otherwise = {});
/// A number, or a text that is one; null or absent is none.
std::optional<double> number_of(const Json& object, const char* key);
const Json& member(const Json& object, const char* key);
/// Null where there is none, or it is null.
const Json* find_member(const Json& object, const char* key);
std::string text_of(const Json& object, const char* key);

/// All numbers of nested arrays in order, finite as floats.
std::vector<float> floats_of(const Json& value, const std::string& what);
/// The extents of nested arrays, which must be regular.
std::vector<std::size_t> extents_of(const Json& value, const std::string& what);
/// An array of arrays of one length; `rows` or `columns` of 0 are any.
Matrix matrix_of(const Json& value, const std::string& what, std::size_t rows, std::size_t columns);

/// A flat list of weights, taken piece by piece.
class WeightList {
 public:
  explicit WeightList(std::vector<float> values) : values_(std::move(values)) {}

  std::vector<float> take(std::size_t count);
  float take_one() { return take(1)[0]; }
  /// The last of all, without taking it.
  float last() const;
  /// Throws unless all were taken.
  void finish() const;

 private:
  std::vector<float> values_;
  std::size_t taken_ = 0;
};

}  // namespace metalaudio::models::amp
