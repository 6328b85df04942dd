#include <metalaudio/core/realtime/status.h>

#include <array>

namespace metalaudio {

std::string_view to_string(Trouble trouble) noexcept {
  constexpr std::array<std::string_view, 8> kNames{
      "none",        "input_replaced",  "parameters_refused", "state_cleared",
      "device_lost", "output_silenced", "memory_dropped",     "output_late"};
  return kNames[static_cast<std::size_t>(trouble)];
}

}  // namespace metalaudio
