#include <metalaudio/nn/cuda/steps/packed_conv.h>

#include <algorithm>
#include <bit>
#include <optional>

namespace metalaudio::nn::cuda {

namespace {

/// Elements of a channel run that are read at once.
int vector_of(std::int64_t channels, DataType type) {
  const auto size = static_cast<std::int64_t>(size_of(type));
  std::int64_t vector = 16 / size;
  while (vector > 1 && channels % vector != 0) vector /= 2;
  return static_cast<int>(vector);
}

ConvShape shape_of(const ConvGeometry& geometry, Activation activation, DataType type) {
  const ConvAxis& a = geometry.axes[0];
  const ConvAxis& b = geometry.axes[1];
  ConvShape shape;
  shape.batch = geometry.batch;
  shape.x0 = static_cast<int>(a.rows);
  shape.x1 = static_cast<int>(b.rows);
  shape.stride0 = static_cast<int>(a.stride);
  shape.stride1 = static_cast<int>(b.stride);
  shape.start0 = static_cast<int>(a.start);
  shape.start1 = static_cast<int>(b.start);
  shape.in0 = static_cast<int>(a.in);
  shape.in1 = static_cast<int>(b.in);
  shape.channels = static_cast<int>(geometry.in);
  shape.vector = vector_of(geometry.in, type);
  shape.depth = static_cast<int>(a.taps * b.taps * geometry.in / shape.vector);
  shape.columns = static_cast<int>(a.phases * b.phases * geometry.out);
  shape.out_channels = static_cast<int>(geometry.out);
  shape.phases1 = static_cast<int>(b.phases);
  shape.scale0 = static_cast<int>(a.phases);
  shape.scale1 = static_cast<int>(b.phases);
  shape.shift0 = static_cast<int>(a.shift);
  shape.shift1 = static_cast<int>(b.shift);
  shape.out0 = static_cast<int>(a.out);
  shape.out1 = static_cast<int>(b.out);
  shape.activation = activation;
  if (activation == Activation::glu) shape.out_channels /= 2;
  return shape;
}

/// To 11 bits, ties away from zero, as the GPU rounds the other factor.
float rounded_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7F80'0000U) == 0x7F80'0000U) return value;
  return std::bit_cast<float>((bits + 0x1000U) & ~0x1FFFU);
}

/// Calls work with a function that rounds a float to what a product reads.
template <typename Work>
auto with_rounding(Product product, Work work) {
  switch (product) {
    case Product::f16:
      return work([](float value) { return Float16(value); });
    case Product::bf16:
      return work([](float value) { return BFloat16(value); });
    case Product::tf32:
      return work(rounded_tf32);
    case Product::f32:
      break;
  }
  return work([](float value) { return value; });
}

}  // namespace

Product product_of(Precision precision, DataType values) {
  if (values == DataType::f16) return Product::f16;
  if (values == DataType::bf16) return Product::bf16;
  return precision == Precision::tf32 ? Product::tf32 : Product::f32;
}

float rounded(Product product, float value) {
  return with_rounding(product, [&](auto round) { return static_cast<float>(round(value)); });
}

DeviceArray stored(Product product, const std::vector<float>& values,
                   const std::shared_ptr<AudioDevice>& device) {
  return with_rounding(product, [&](auto round) {
    std::vector<decltype(round(0.0F))> numbers(values.size());
    std::transform(values.begin(), values.end(), numbers.begin(), round);
    return DeviceArray(numbers, device);
  });
}

PackedConv::PackedConv(const ConvGeometry& geometry, Activation activation, DataType type,
                       Precision precision, const std::vector<float>& weight,
                       const std::vector<float>& bias, const std::shared_ptr<AudioDevice>& device,
                       bool own_tiles)
    : type_(type),
      product_(product_of(precision, type)),
      shape_(shape_of(geometry, activation, type)),
      bias_(bias, device) {
  shape_.limits = limits_of(device->properties().index);
  if (own_tiles) shape_.tiles_per_batch = (shape_.x0 * shape_.x1 + kTileRows - 1) / kTileRows;
  pack(geometry, weight, device);
  list_taps(geometry, device);
}

void PackedConv::launch(const ConvShape& shape, ConvPointers at,
                        cudaStream_t stream) const noexcept {
  if (shape.rows() == 0 || shape.columns == 0) return;
  at.weight = weight_.as<void>();
  at.taps = taps_.as<Tap>();
  at.bias = bias_.as<float>();
  launch_conv(product_, shape, at, stream);
}

std::size_t PackedConv::moments_bytes() const noexcept {
  const int tile = conv_tile_columns(product_, shape_);
  return static_cast<std::size_t>(shape_.batch * shape_.tiles_per_batch) *
         static_cast<std::size_t>((shape_.columns + tile - 1) / tile) * sizeof(TileMoments);
}

/// In vectors, a whole number of stages.
int PackedConv::padded_vectors() const {
  const int per_stage = kStageBytes / (shape_.vector * static_cast<int>(size_of(type_)));
  return (shape_.depth + per_stage - 1) / per_stage * per_stage;
}

/// Rows of the reduction, in the order of the columns; with glu, the halves of a pair side by side.
void PackedConv::pack(const ConvGeometry& geometry, const std::vector<float>& weight,
                      const std::shared_ptr<AudioDevice>& device) {
  const ConvAxis& a = geometry.axes[0];
  const ConvAxis& b = geometry.axes[1];
  const int tile = conv_tile_columns(product_, shape_);
  const auto columns = static_cast<std::size_t>((shape_.columns + tile - 1) / tile * tile);
  const auto pitch = static_cast<std::size_t>(padded_vectors() * shape_.vector);
  const std::int64_t group_in = geometry.in / geometry.groups;
  const std::int64_t group_out = std::max<std::int64_t>(1, geometry.out / geometry.groups);
  const bool glu = shape_.activation == Activation::glu;
  weight_ = with_rounding(product_, [&](auto round) {
    std::vector<decltype(round(0.0F))> packed(columns * pitch);
    for (std::int64_t column = 0; column < shape_.columns; ++column) {
      const std::int64_t phase = column / geometry.out;
      std::int64_t channel = column % geometry.out;
      if (glu) channel = channel / 2 + channel % 2 * (geometry.out / 2);
      const std::int64_t first_in = channel / group_out * group_in;
      auto* row = packed.data() + static_cast<std::size_t>(column) * pitch;
      for (std::int64_t i = 0; i < a.taps; ++i) {
        for (std::int64_t j = 0; j < b.taps; ++j) {
          const auto tap0 = a.weight_tap(phase / b.phases, i);
          const auto tap1 = b.weight_tap(phase % b.phases, j);
          if (tap0 && tap1) {
            const float* from =
                weight.data() + ((channel * a.kernel + *tap0) * b.kernel + *tap1) * group_in;
            std::transform(from, from + group_in, row + first_in, round);
          }
          row += geometry.in;
        }
      }
    }
    return DeviceArray(packed, device);
  });
}

void PackedConv::list_taps(const ConvGeometry& geometry,
                           const std::shared_ptr<AudioDevice>& device) {
  constexpr Tap kOutside{0, 1 << 28, 1 << 28, 0};
  const ConvAxis& a = geometry.axes[0];
  const ConvAxis& b = geometry.axes[1];
  std::vector<Tap> taps;
  for (std::int64_t i = 0; i < a.taps; ++i) {
    for (std::int64_t j = 0; j < b.taps; ++j) {
      for (std::int64_t c = 0; c < geometry.in; c += shape_.vector) {
        const std::int64_t along0 = i * a.step;
        const std::int64_t along1 = j * b.step;
        taps.push_back({static_cast<std::int32_t>((along0 * b.in + along1) * geometry.in + c),
                        static_cast<std::int32_t>(along0), static_cast<std::int32_t>(along1), 0});
      }
    }
  }
  taps.resize(static_cast<std::size_t>(padded_vectors()), kOutside);
  taps_ = DeviceArray(taps, device);
}

}  // namespace metalaudio::nn::cuda
