#include <metalaudio/core/data_type.h>

#include <array>

namespace metalaudio {

static_assert(sizeof(bool) == 1, "a boolean is one byte in files and on devices");

std::string_view to_string(DataType type) noexcept {
  constexpr std::array<std::string_view, 13> kNames{
      "f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "bool"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace metalaudio
