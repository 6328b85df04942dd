#include <metalaudio/core/printable.h>

namespace metalaudio {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result(text.substr(0, kLongest));
  for (char& c : result) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code >= 0x7F) c = '?';
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

}  // namespace metalaudio
