#include <metalaudio/nn/cuda/kernels/norm.h>
#include <metalaudio/nn/cuda/steps/dconv.h>
#include <metalaudio/nn/cuda/steps/packed_conv.h>

#include <algorithm>

namespace metalaudio::nn::cuda {

namespace {

/// x + gain · glu(norm(conv1x1(gelu(norm(conv3(x)))))), row by row. The second product is made twice:
/// first for its moments alone, then with the norm behind it, so that its values, sixteen times the
/// hidden ones, are never stored.
class DConvStep final : public CudaStep {
 public:
  DConvStep(const DConvParts& parts, Value y, const Making& making)
      : type_(making.type(0).type),
        hidden_(making.graph().shape(parts.bias1)[0]),
        pitch_(padded(hidden_, type_)),
        geometry1_(geometry(making.type(0).shape, 3, parts.dilation, pitch_)),
        first_(geometry1_, Activation::none, type_, making.precision,
               lengthened(floats_of(making.graph(), parts.weight1), pitch_, 3 * geometry1_.in),
               lengthened(floats_of(making.graph(), parts.bias1), pitch_, 1), making.device),
        second_(second_geometry(geometry1_, pitch_), Activation::glu, type_, making.precision,
                widened(floats_of(making.graph(), parts.weight2), hidden_, pitch_),
                floats_of(making.graph(), parts.bias2), making.device, true),
        gamma1_(floats_of(making.graph(), parts.gamma1), making.device),
        beta1_(floats_of(making.graph(), parts.beta1), making.device),
        gamma2_(floats_of(making.graph(), parts.gamma2), making.device),
        beta2_(floats_of(making.graph(), parts.beta2), making.device),
        gain_(floats_of(making.graph(), parts.gain), making.device),
        x_(making.maker.slot(parts.x)),
        y_(making.maker.slot(y)),
        inner_(making.maker.temporary(
            static_cast<std::size_t>(geometry1_.batch * geometry1_.axes[1].in * pitch_) *
            size_of(type_))),
        moments_(making.maker.temporary(second_.moments_bytes())) {
    norm1_ = {geometry1_.batch, geometry1_.axes[1].in, hidden_, 1, pitch_, parts.epsilon1};
    partial_ = making.maker.temporary(group_norm_bytes(norm1_));
    shape2_ = second_.shape();
    shape2_.epsilon = parts.epsilon2;
    shape2_.residual1 = geometry1_.in;
    shape2_.residual0 = shape2_.residual_batch = geometry1_.in * geometry1_.axes[1].in;
  }

  void run(const CudaRun& run) const noexcept override {
    if (norm1_.batch == 0 || norm1_.positions == 0) return;
    ConvPointers at;
    at.x = run.at(x_);
    at.y = run.at(inner_);
    first_.launch(first_.shape(), at, run.stream);
    launch_group_norm(type_, run.at(inner_), gamma1_.as<float>(), beta1_.as<float>(),
                      run.at(inner_), norm1_, Activation::gelu, run.at(partial_), run.stream);
    ConvPointers measured;
    measured.x = run.at(inner_);
    measured.tile_moments = run.at<TileMoments>(moments_);
    second_.launch(shape2_, measured, run.stream);
    ConvPointers written;
    written.x = run.at(inner_);
    written.moments = run.at<const TileMoments>(moments_);
    written.gamma = gamma2_.as<float>();
    written.beta = beta2_.as<float>();
    written.gain = gain_.as<float>();
    written.residual = run.at(x_);
    written.y = run.at(y_);
    second_.launch(shape2_, written, run.stream);
  }
  std::size_t weight_bytes() const noexcept override {
    return first_.bytes() + second_.bytes() + gamma1_.bytes() + beta1_.bytes() + gamma2_.bytes() +
           beta2_.bytes() + gain_.bytes();
  }

 private:
  /// Hidden channels, so that 16 bytes of them are read at once. What is added stays zero.
  static std::int64_t padded(std::int64_t channels, DataType type) {
    const auto vector = static_cast<std::int64_t>(16 / size_of(type));
    return (channels + vector - 1) / vector * vector;
  }
  static std::vector<float> lengthened(std::vector<float> rows, std::int64_t count,
                                       std::int64_t width) {
    rows.resize(static_cast<std::size_t>(count * width), 0.0F);
    return rows;
  }
  static std::vector<float> widened(const std::vector<float>& rows, std::int64_t width,
                                    std::int64_t pitch) {
    const auto count = static_cast<std::int64_t>(rows.size()) / width;
    std::vector<float> wide(static_cast<std::size_t>(count * pitch), 0.0F);
    for (std::int64_t row = 0; row < count; ++row) {
      std::copy_n(rows.data() + row * width, width, wide.data() + row * pitch);
    }
    return wide;
  }

  static ConvGeometry geometry(const Shape& x, std::int64_t kernel, std::int64_t dilation,
                               std::int64_t out) {
    ConvGeometry found;
    for (std::size_t i = 0; i + 2 < x.rank(); ++i) found.batch *= x[i];
    ConvAxis axis;
    axis.in = axis.out = axis.rows = x[x.rank() - 2];
    axis.kernel = axis.taps = kernel;
    axis.start = -dilation * (kernel / 2);
    axis.step = dilation;
    found.axes = {ConvAxis{}, axis};
    found.in = x.back();
    found.out = out;
    return found;
  }
  static ConvGeometry second_geometry(const ConvGeometry& first, std::int64_t pitch) {
    ConvGeometry found = first;
    ConvAxis& axis = found.axes[1];
    axis.kernel = axis.taps = axis.step = 1;
    axis.start = 0;
    found.in = pitch;
    found.out = 2 * first.in;
    return found;
  }

  DataType type_;
  std::int64_t hidden_;
  std::int64_t pitch_;
  ConvGeometry geometry1_;
  PackedConv first_;
  PackedConv second_;
  DeviceArray gamma1_;
  DeviceArray beta1_;
  DeviceArray gamma2_;
  DeviceArray beta2_;
  DeviceArray gain_;
  Slot x_;
  Slot y_;
  Slot inner_;
  Slot moments_;
  Slot partial_;
  GroupNormShape norm1_;
  ConvShape shape2_;
};

}  // namespace

std::unique_ptr<Step> make_dconv(const DConvParts& parts, Value y, const Making& making) {
  // Before Ampere the tensor cores take no float32.
  const bool fused = making.type(0).type != DataType::f32 ||
                     limits_of(making.device->properties().index).capability >= 80;
  if (fused && takes_fused_dconv(making.graph(), parts)) return make_fused_dconv(parts, y, making);
  return std::make_unique<DConvStep>(parts, y, making);
}

}  // namespace metalaudio::nn::cuda
