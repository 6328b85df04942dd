#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Pieces of pickles, written by hand.
namespace metalaudio::nn {

inline std::string little_endian(std::uint32_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8), static_cast<char>(value >> 16),
          static_cast<char>(value >> 24)};
}

inline std::string text(std::string_view value) {
  return "X" + little_endian(static_cast<std::uint32_t>(value.size())) + std::string(value);
}

inline std::string integer(std::int32_t value) {
  return "J" + little_endian(static_cast<std::uint32_t>(value));
}

template <typename... Items>
std::string tuple(const Items&... items) {
  return "(" + (std::string() + ... + items) + "t";
}

template <typename... Items>
std::string dict(const Items&... items) {
  return "}(" + (std::string() + ... + items) + "u";
}

inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

inline std::string storage(std::string_view key, std::int32_t count,
                           std::string_view type = "FloatStorage") {
  return tuple(text("storage"), global("torch", type), text(key), text("cpu"), integer(count)) +
         "Q";
}

inline std::string tensor(const std::string& storage, std::int32_t offset, const std::string& sizes,
                          const std::string& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple(storage, integer(offset), sizes, strides, "\x89",
               global("collections", "OrderedDict") + ")R") +
         "R";
}

/// What upstream's serialize_model() makes of these arguments and tensors.
inline std::string package(const std::string& kwargs, const std::string& state) {
  return "\x80\x02" +
         dict(text("klass"), global("demucs.htdemucs", "HTDemucs"), text("args"), std::string(")"),
              text("kwargs"), kwargs, text("state"), state) +
         ".";
}

}  // namespace metalaudio::nn
