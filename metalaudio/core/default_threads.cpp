#include <metalaudio/core/default_threads.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace metalaudio {

namespace {

/// 0: none that makes sense.
std::size_t first_number(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return error == std::errc() && (text.empty() || text[0] == ',') ? number : 0;
}

}  // namespace

std::size_t default_threads(std::size_t usable_cores) {
  const char* const wanted = std::getenv("OMP_NUM_THREADS");
  const std::size_t number = wanted == nullptr ? 0 : first_number(wanted);
  return number == 0 ? usable_cores : std::min(number, usable_cores);
}

}  // namespace metalaudio
