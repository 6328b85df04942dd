#include <metalaudio/nn/cuda/kernels/conv.h>
#include <metalaudio/nn/cuda/steps/conv.h>
#include <metalaudio/nn/cuda/steps/steps.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

/// One of the two axes that the kernel walks.
struct Axis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t kernel = 1;  ///< of the weight as it is stored
  std::int64_t taps = 1;    ///< that one result of a phase reads
  std::int64_t rows = 1;    ///< of the product
  std::int64_t stride = 1;  ///< of a row in the input
  std::int64_t start = 0;
  std::int64_t step = 1;    ///< from tap to tap in the input, with its sign
  std::int64_t phases = 1;  ///< results per row
  std::int64_t shift = 0;   ///< of a row's first result

  /// Which tap of the weight a phase reads as its `tap`th; none where it is beyond the kernel.
  std::optional<std::int64_t> weight_tap(std::int64_t phase, std::int64_t tap) const {
    const std::int64_t index = phases == 1 ? tap : phase + phases * tap;
    return index < kernel ? std::optional(index) : std::nullopt;
  }
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

Axis forward(const SlidingAxis& axis, std::int64_t in) {
  const std::int64_t out = axis.output_extent(in);
  return {in, out, axis.kernel, axis.kernel, out, axis.stride, -axis.before, axis.dilation, 1, 0};
}

Axis transposed(const TransposeAxis& axis, std::int64_t in) {
  if (axis.extent == 0) return {in, 0, axis.kernel, axis.kernel, 0, 1, 0, -1, 1, 0};
  const std::int64_t first = floor_div(axis.crop, axis.stride);
  const std::int64_t last = floor_div(axis.crop + axis.extent - 1, axis.stride);
  return {in,
          axis.extent,
          axis.kernel,
          (axis.kernel + axis.stride - 1) / axis.stride,
          last - first + 1,
          1,
          first,
          -axis.dilation,
          axis.stride,
          axis.stride * first - axis.crop};
}

bool trivial(const Axis& axis) {
  return axis.kernel == 1 && axis.stride == 1 && axis.start == 0 && axis.phases == 1 &&
         axis.in == axis.out;
}

/// A convolution as the kernel sees it, and the shape of its weight.
struct Geometry {
  std::int64_t batch = 1;
  std::vector<Axis> axes;  ///< two
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t groups = 1;
};

/// Nothing where it does not fit into two axes.
std::optional<Geometry> geometry_of(const Graph& graph, const Node& node) {
  const Shape& x = graph.shape(node.inputs[Conv::x]);
  Geometry found;
  found.in = x.back();
  found.out = graph.shape(node.inputs[Conv::weight])[0];
  std::vector<Axis> axes;
  const auto* conv = std::get_if<Conv>(&node.operation);
  const auto* transpose = std::get_if<ConvTranspose>(&node.operation);
  const std::size_t count = conv != nullptr ? conv->axes.size() : transpose->axes.size();
  found.groups = conv != nullptr ? conv->groups : transpose->groups;
  const std::size_t before = x.rank() - 1 - count;
  for (std::size_t i = 0; i < before; ++i) found.batch *= x[i];
  for (std::size_t i = 0; i < count; ++i) {
    axes.push_back(conv != nullptr ? forward(conv->axes[i], x[before + i])
                                   : transposed(transpose->axes[i], x[before + i]));
    if (transpose != nullptr && transpose->axes[i].stride > 1 && transpose->axes[i].dilation > 1) {
      return std::nullopt;
    }
  }
  // Axes in front along which nothing slides are part of the batch.
  while (!axes.empty() && trivial(axes.front()) && (axes.size() > 2 || axes.front().in == 1)) {
    found.batch *= axes.front().in;
    axes.erase(axes.begin());
  }
  if (axes.size() > 2) return std::nullopt;
  if (axes.empty()) {
    // A linear layer: every row of the batch is a position.
    Axis rows;
    rows.in = rows.out = rows.rows = found.batch;
    found.batch = 1;
    axes.push_back(rows);
  }
  while (axes.size() < 2) axes.insert(axes.begin(), Axis{});
  found.axes = std::move(axes);
  return found;
}

Product product_of(Precision precision, DataType values) {
  if (values == DataType::f16) return Product::f16;
  if (values == DataType::bf16) return Product::bf16;
  return precision == Precision::tf32 ? Product::tf32 : Product::f32;
}

/// Elements of a channel run that are read at once.
int vector_of(std::int64_t channels, DataType type) {
  const auto size = static_cast<std::int64_t>(size_of(type));
  std::int64_t vector = 16 / size;
  while (vector > 1 && channels % vector != 0) vector /= 2;
  return static_cast<int>(vector);
}

ConvShape shape_of(const Geometry& geometry, const ConvEpilogue& epilogue, DataType type) {
  const Axis& a = geometry.axes[0];
  const Axis& b = geometry.axes[1];
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
  shape.activation = epilogue.activation;
  if (epilogue.activation == Activation::glu) shape.out_channels /= 2;
  return shape;
}

/// The steps of a residual along the batch and both axes; all leading extents count as the batch.
void set_residual(ConvShape& shape, const Shape& residual, const Shape& y) {
  const std::int64_t channels = y.back();
  const auto is_whole = residual.size() == y.size();
  shape.residual1 = channels;
  shape.residual0 = channels * shape.out1;
  shape.residual_batch = shape.residual0 * shape.out0;
  if (is_whole) return;
  // residual_fits() let pass only those that repeat along whole axes of the kernel.
  const std::size_t rank = y.rank();
  const auto extent = [&](std::size_t from_end) {
    return residual.rank() >= from_end ? residual[residual.rank() - from_end] : 1;
  };
  const std::int64_t extent1 = extent(2);
  const std::int64_t extent0 = rank >= 3 ? extent(3) : 1;
  shape.residual1 = extent1 == 1 ? 0 : channels;
  shape.residual0 = extent0 == 1 ? 0 : channels * extent1;
  shape.residual_batch = 0;
}

class ConvStep final : public CudaStep {
 public:
  ConvStep(const Geometry& geometry, const ConvEpilogue& epilogue, Value y, const Making& making)
      : type_(making.type(Conv::x).type),
        product_(product_of(making.precision, type_)),
        shape_(shape_of(geometry, epilogue, type_)),
        x_(making.input(Conv::x)),
        residual_(making.maker.slot(epilogue.residual)),
        y_(making.maker.slot(y)) {
    const Graph& graph = making.graph();
    if (epilogue.residual.present()) {
      set_residual(shape_, graph.shape(epilogue.residual), graph.shape(y));
    }
    pack(geometry, floats_of(graph, making.node.inputs[Conv::weight]), making.device);
    list_taps(geometry, making.device);
    if (making.has(Conv::bias)) {
      bias_ = DeviceArray(floats_of(graph, making.node.inputs[Conv::bias]), making.device);
    }
    if (epilogue.gain.present()) {
      gain_ = DeviceArray(floats_of(graph, epilogue.gain), making.device);
    }
  }

  void run(const CudaRun& run) const noexcept override {
    if (shape_.rows() == 0 || shape_.columns == 0) return;
    const ConvPointers at{run.at(x_),        weight_.as<void>(), taps_.as<Tap>(), bias_.as<float>(),
                          gain_.as<float>(), run.at(residual_),  run.at(y_)};
    launch_conv(product_, shape_, at, run.stream);
  }
  std::size_t weight_bytes() const noexcept override {
    return weight_.bytes() + taps_.bytes() + bias_.bytes() + gain_.bytes();
  }

 private:
  int vectors_per_stage() const {
    return kStageBytes / (shape_.vector * static_cast<int>(size_of(type_)));
  }
  int padded_vectors() const {
    const int per_stage = vectors_per_stage();
    return (shape_.depth + per_stage - 1) / per_stage * per_stage;
  }

  /// Rows of the reduction, in the order of the columns; with glu, the halves of a pair side by side.
  void pack(const Geometry& geometry, const std::vector<float>& weight,
            const std::shared_ptr<AudioDevice>& device) {
    const Axis& a = geometry.axes[0];
    const Axis& b = geometry.axes[1];
    const int tile = conv_tile_columns(product_, shape_);
    const std::size_t columns = static_cast<std::size_t>((shape_.columns + tile - 1) / tile * tile);
    const auto pitch = static_cast<std::size_t>(padded_vectors() * shape_.vector);
    const std::int64_t group_in = geometry.in / geometry.groups;
    const std::int64_t group_out = geometry.out / geometry.groups;
    std::vector<float> packed(columns * pitch, 0.0F);
    const bool glu = shape_.activation == Activation::glu;
    for (std::int64_t column = 0; column < shape_.columns; ++column) {
      const std::int64_t phase = column / geometry.out;
      std::int64_t channel = column % geometry.out;
      if (glu) channel = channel / 2 + channel % 2 * (geometry.out / 2);
      const std::int64_t first_in = channel / std::max<std::int64_t>(1, group_out) * group_in;
      float* row = packed.data() + static_cast<std::size_t>(column) * pitch;
      for (std::int64_t i = 0; i < a.taps; ++i) {
        for (std::int64_t j = 0; j < b.taps; ++j) {
          const auto tap0 = a.weight_tap(phase / b.phases, i);
          const auto tap1 = b.weight_tap(phase % b.phases, j);
          if (tap0 && tap1) {
            const float* from =
                weight.data() + ((channel * a.kernel + *tap0) * b.kernel + *tap1) * group_in;
            std::copy_n(from, group_in, row + first_in);
          }
          row += geometry.in;
        }
      }
    }
    weight_ = store(packed, device);
  }

  DeviceArray store(const std::vector<float>& values,
                    const std::shared_ptr<AudioDevice>& device) const {
    if (type_ == DataType::f16) return DeviceArray(rounded<Float16>(values), device);
    if (type_ == DataType::bf16) return DeviceArray(rounded<BFloat16>(values), device);
    if (product_ == Product::tf32) {
      std::vector<float> numbers = values;
      for (float& number : numbers) number = rounded_tf32(number);
      return DeviceArray(numbers, device);
    }
    return DeviceArray(values, device);
  }
  template <typename T>
  static std::vector<T> rounded(const std::vector<float>& values) {
    std::vector<T> numbers;
    numbers.reserve(values.size());
    for (const float value : values) numbers.push_back(T(value));
    return numbers;
  }
  /// To 11 bits, ties away from zero, as the GPU rounds the other factor.
  static float rounded_tf32(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7F80'0000U) == 0x7F80'0000U) return value;
    return std::bit_cast<float>((bits + 0x1000U) & ~0x1FFFU);
  }

  void list_taps(const Geometry& geometry, const std::shared_ptr<AudioDevice>& device) {
    constexpr Tap kOutside{0, 1 << 28, 1 << 28, 0};
    const Axis& a = geometry.axes[0];
    const Axis& b = geometry.axes[1];
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

  DataType type_;
  Product product_;
  ConvShape shape_;
  Slot x_;
  Slot residual_;
  Slot y_;
  DeviceArray weight_;
  DeviceArray taps_;
  DeviceArray bias_;
  DeviceArray gain_;
};

std::string refusal(const Graph& graph, const Node& node) {
  const std::optional<Geometry> geometry = geometry_of(graph, node);
  if (!geometry) return "it slides along more than two axes";
  constexpr std::int64_t kMost = std::int64_t{1} << 28;
  const Axis& a = geometry->axes[0];
  const Axis& b = geometry->axes[1];
  const std::int64_t columns = a.phases * b.phases * geometry->out;
  const std::int64_t depth = a.taps * b.taps * geometry->in;
  for (const Axis* axis : {&a, &b}) {
    if (axis->in >= kMost || axis->out >= kMost || axis->rows >= kMost || axis->kernel >= kMost ||
        axis->kernel * std::abs(axis->step) >= kMost || std::abs(axis->start) >= kMost) {
      return "an extent is too large";
    }
  }
  if (columns >= kMost || depth >= kMost || columns * depth >= kMost ||
      a.taps * std::abs(a.step) * b.in * geometry->in >= 4 * kMost ||
      geometry->batch * a.rows * b.rows * ((columns + 15) / 16) >= kMost * 128) {
    return "it is too large";
  }
  return refuse_unless_real(graph, node.inputs[Conv::x]);
}

}  // namespace

bool residual_fits(const Shape& residual, const Shape& result) {
  if (residual == result) return true;
  if (residual.rank() > result.rank() || residual.rank() < 1 || result.rank() > 3) return false;
  if (residual.back() != result.back()) return false;
  for (std::size_t i = 1; i <= residual.rank(); ++i) {
    const std::int64_t extent = residual[residual.rank() - i];
    if (extent != 1 && extent != result[result.rank() - i]) return false;
  }
  return true;
}

std::unique_ptr<Step> make_conv(const ConvEpilogue& epilogue, Value y, const Making& making) {
  return std::make_unique<ConvStep>(*geometry_of(making.graph(), making.node), epilogue, y, making);
}

std::string refusal_of(const Conv&, const Graph& graph, const Node& node) {
  return refusal(graph, node);
}
std::unique_ptr<Step> make_step(const Conv&, const Making& making) {
  return make_conv({}, making.node.results[0], making);
}

std::string refusal_of(const ConvTranspose&, const Graph& graph, const Node& node) {
  return refusal(graph, node);
}
std::unique_ptr<Step> make_step(const ConvTranspose&, const Making& making) {
  return make_conv({}, making.node.results[0], making);
}

}  // namespace metalaudio::nn::cuda
