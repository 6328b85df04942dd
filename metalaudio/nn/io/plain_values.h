#pragma once

#include <metalaudio/nn/io/pickle.h>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <span>

namespace metalaudio::nn {

/// The items of a tuple; none if it is no tuple or a shorter one.
std::span<const PickleValue::Ref> items_of(const PickleValue& value, std::size_t at_least) noexcept;

/// Turns values of a pickle into JSON where they are plain: numbers, texts, lists, dictionaries
/// with texts for keys, Fractions; a class or function becomes its name.
/// Threads:  one.
class PlainValues {
 public:
  explicit PlainValues(const Pickle& pickle) : pickle_(pickle) {}

  /// Nothing for what is not plain, nested too deeply, or more than a file should hold: a few bytes
  /// of shared lists can mean terabytes.
  std::optional<nlohmann::json> convert(const PickleValue& value);

 private:
  bool convert(const PickleValue& value, int depth, nlohmann::json& to);
  bool convert_items(std::span<const PickleValue::Ref> items, int depth, nlohmann::json& to);
  bool convert_dict(const PickleValue::Dict& dict, int depth, nlohmann::json& to);
  bool convert_fraction(const PickleValue::Call& call, nlohmann::json& to) const;
  bool convert_class(const PickleValue::Persistent& persistent, nlohmann::json& to) const;

  const Pickle& pickle_;
  std::size_t of_entry_ = 0;
  std::size_t of_file_ = 0;
};

}  // namespace metalaudio::nn
