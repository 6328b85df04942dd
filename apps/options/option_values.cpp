#include "apps/options/option_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace metalaudio::apps {
namespace {

/// from_chars knows no plus sign; Python does.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

}  // namespace

std::int64_t whole_number(const std::string& option, std::string_view text, std::int64_t least,
                          std::int64_t most) {
  const std::string_view digits = without_plus(text);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < least ||
      number > most)
    throw CLI::ValidationError(
        option, fmt::format("\"{}\": expected a whole number from {} to {}", text, least, most));
  return number;
}

double real_number(const std::string& option, std::string_view text, double least, double most) {
  const std::string_view digits = without_plus(text);
  double number = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  // Written so that not-a-number fails.
  const bool fits = number >= least && number <= most && std::isfinite(number);
  if (error != std::errc() || end != digits.data() + digits.size() || !fits)
    throw CLI::ValidationError(
        option, fmt::format("\"{}\": expected a number from {:g} to {:g}", text, least, most));
  return number;
}

std::vector<std::string> list_of(const std::string& option, const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    if (parts.back().empty())
      throw CLI::ValidationError(option, "\"" + text + "\": expected a list as in a,b");
    begin = end + 1;
  }
  return parts;
}

}  // namespace metalaudio::apps
