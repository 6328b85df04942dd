#include <metalaudio/core/error.h>
#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/gemm_half_kernels.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace metalaudio::nn {

static_assert(std::endian::native == std::endian::little, "stored tensors are read in place");

namespace {

/// Many at a time, where the processor does the conversion itself: its infinities are right as well.
bool widen_halves(DataType type, std::span<const std::byte> bytes,
                  std::span<float> values) noexcept {
  static const bool converts = InstructionSets::detect().avx2;
  const bool half = type == DataType::f16 || type == DataType::bf16;
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(std::uint16_t) == 0;
  if (!converts || !half || !aligned) return false;
  cpu::floats_of_halves(reinterpret_cast<const std::uint16_t*>(bytes.data()), values.size(),
                        type == DataType::f16, values.data());
  return true;
}

}  // namespace

void widen(DataType type, std::span<const std::byte> bytes, std::span<float> values) noexcept {
  if (widen_halves(type, bytes, values)) return;
  visit_type(type, [&]<typename Stored>(std::type_identity<Stored>) {
    // A stored bool may be any byte.
    using Read = std::conditional_t<std::is_same_v<Stored, bool>, std::uint8_t, Stored>;
    for (std::size_t i = 0; i < values.size(); ++i) {
      Read stored;
      std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
      if constexpr (std::is_same_v<Stored, bool>) {
        values[i] = stored != 0 ? 1.0F : 0.0F;
      } else {
        values[i] = static_cast<float>(stored);
      }
    }
  });
}

void read_elements(DataType type, std::span<const std::byte> bytes, Tensor& tensor,
                   std::size_t first) noexcept {
  const std::size_t count = bytes.size() / size_of(type);
  if (tensor.type() == DataType::f32) {
    return widen(type, bytes, tensor.values().subspan(first, count));
  }
  visit_type(type, [&]<typename Stored>(std::type_identity<Stored>) {
    Stored* const to = tensor.data_as<Stored>() + first;
    if constexpr (std::is_same_v<Stored, bool>) {
      std::transform(bytes.begin(), bytes.end(), to,
                     [](std::byte flag) { return flag != std::byte{0}; });
    } else if (count > 0) {
      std::memcpy(to, bytes.data(), bytes.size());
    }
  });
}

Shape checked_shape(std::span<const std::int64_t> extents, std::string_view name) {
  try {
    return Shape(extents);
  } catch (const Error& error) {
    fail(ErrorCode::invalid_data, "tensor '{}' has an absurd shape: {}", printable(name),
         error.what());
  }
}

}  // namespace metalaudio::nn
