#include <metalaudio/nn/cuda/kernels/dconv.h>
#include <metalaudio/nn/cuda/steps/dconv.h>
#include <metalaudio/nn/cuda/steps/packed_conv.h>

#include <numeric>

namespace metalaudio::nn::cuda {

namespace {

/// Weights in the order in which the lanes of a warp take them; what is padded is zero.
struct PackedDConv {
  std::vector<float> weight1;
  std::vector<float> weight2;
  std::vector<float> gram;
  std::vector<float> terms;
  std::vector<float> scales;
  float bias_squares = 0;
};

class Packer {
 public:
  Packer(const Graph& graph, const DConvParts& parts, Product product)
      : graph_(graph),
        parts_(parts),
        product_(product),
        channels_(static_cast<int>(graph.shape(parts.x).back())),
        hidden_(static_cast<int>(graph.shape(parts.bias1)[0])),
        tiles_(hidden_tiles(hidden_)),
        chunks_(channel_chunks(channels_)) {}

  PackedDConv pack() {
    pack_first();
    pack_second();
    pack_scales();
    return std::move(packed_);
  }

 private:
  bool halves() const { return product_ == Product::f16 || product_ == Product::bf16; }

  void pack_first() {
    const std::vector<float> weight = floats_of(graph_, parts_.weight1);
    for (int tap = 0; tap < 3; ++tap) {
      for (int chunk = 0; chunk < chunks_; ++chunk) {
        for (int row = 0; row < tiles_ * 8; ++row) {
          for (int i = 0; i < 16; ++i) {
            const int channel = chunk * 16 + i;
            packed_.weight1.push_back(
                row < hidden_ && channel < channels_
                    ? rounded(
                          product_,
                          weight[static_cast<std::size_t>((row * 3 + tap) * channels_ + channel)])
                    : 0.0F);
          }
        }
      }
    }
  }

  void pack_second() {
    weight_ = floats_of(graph_, parts_.weight2);
    for (float& value : weight_) value = rounded(product_, value);
    bias_ = floats_of(graph_, parts_.bias2);
    mean_ = std::accumulate(bias_.begin(), bias_.end(), 0.0) / static_cast<double>(bias_.size());
    const int pairs = (tiles_ + 1) / 2;
    // A step of the reduction takes two tiles of hidden channels, or one of float32.
    const int steps = halves() ? pairs : tiles_;
    const int each = halves() ? 8 : 4;  // numbers of a lane
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      for (int step = 0; step < steps; ++step) {
        for (int half = 0; half < 2; ++half) {
          for (int lane = 0; lane < 32; ++lane) {
            for (int i = 0; i < each; ++i) {
              const int column = lane / 4;
              const int channel = chunk * 16 + column / 2 * 4 + 2 * i / each * 2 + column % 2;
              const int tile = halves() ? 2 * step + i % 4 / 2 : step;
              const int hidden = tile * 8 + lane % 4 * 2 + i % 2;
              packed_.weight2.push_back(
                  channel < channels_ ? second(half * channels_ + channel, hidden) : 0.0F);
            }
          }
        }
      }
    }
    for (int pair = 0; pair < pairs; ++pair) {
      for (int tile = 0; tile < tiles_; ++tile) {
        for (int lane = 0; lane < 32; ++lane) {
          for (int i = 0; i < 4; ++i) {
            packed_.gram.push_back(static_cast<float>(
                gram(pair * 16 + i / 2 * 8 + lane / 4, tile * 8 + lane % 4 * 2 + i % 2)));
          }
        }
      }
    }
    double squares = 0;
    for (const float bias : bias_) squares += (bias - mean_) * (bias - mean_);
    packed_.bias_squares = static_cast<float>(squares);
    for (const Value value : {parts_.bias1, parts_.gamma1, parts_.beta1}) {
      std::vector<float> numbers = floats_of(graph_, value);
      numbers.resize(static_cast<std::size_t>(tiles_ * 8), 0.0F);
      packed_.terms.insert(packed_.terms.end(), numbers.begin(), numbers.end());
    }
    for (const bool twice : {false, true}) {
      for (int hidden = 0; hidden < tiles_ * 8; ++hidden) {
        double sum = 0;
        for (int row = 0; row < 2 * channels_; ++row) {
          const double factor = twice ? 2 * (bias_[static_cast<std::size_t>(row)] - mean_) : 1.0;
          sum += factor * second(row, hidden);
        }
        packed_.terms.push_back(static_cast<float>(sum));
      }
    }
  }

  float second(int row, int hidden) const {
    return hidden < hidden_ ? weight_[static_cast<std::size_t>(row * hidden_ + hidden)] : 0.0F;
  }
  double gram(int a, int b) const {
    double sum = 0;
    for (int row = 0; row < 2 * channels_; ++row) {
      sum += static_cast<double>(second(row, a)) * second(row, b);
    }
    return sum;
  }

  void pack_scales() {
    const auto add = [&](const std::vector<float>& numbers, int first, double less) {
      for (int i = 0; i < chunks_ * 16; ++i) {
        packed_.scales.push_back(
            i < channels_ ? static_cast<float>(numbers[static_cast<std::size_t>(first + i)] - less)
                          : 0.0F);
      }
    };
    const std::vector<float> gamma = floats_of(graph_, parts_.gamma2);
    const std::vector<float> beta = floats_of(graph_, parts_.beta2);
    add(bias_, 0, mean_);
    add(bias_, channels_, mean_);
    for (const auto* numbers : {&gamma, &beta}) {
      add(*numbers, 0, 0);
      add(*numbers, channels_, 0);
    }
    add(floats_of(graph_, parts_.gain), 0, 0);
  }

  const Graph& graph_;
  const DConvParts& parts_;
  Product product_;
  int channels_;
  int hidden_;
  int tiles_;
  int chunks_;
  PackedDConv packed_;
  std::vector<float> weight_;
  std::vector<float> bias_;
  double mean_ = 0;
};

DConvShape shape_of(Product product, const Graph& graph, const DConvParts& parts) {
  const Shape& x = graph.shape(parts.x);
  DConvShape shape;
  for (std::size_t i = 0; i + 2 < x.rank(); ++i) shape.rows *= x[i];
  shape.positions = static_cast<int>(x[x.rank() - 2]);
  shape.channels = static_cast<int>(x.back());
  shape.hidden = static_cast<int>(graph.shape(parts.bias1)[0]);
  shape.dilation = static_cast<int>(parts.dilation);
  shape.epsilon1 = parts.epsilon1;
  shape.epsilon2 = parts.epsilon2;
  const bool batched = x.rank() > 3 && x[0] > 0;
  return share_rows(product, shape, batched ? shape.rows / x[0] : shape.rows);
}

class FusedDConvStep final : public CudaStep {
 public:
  FusedDConvStep(const DConvParts& parts, Value y, const Making& making)
      : FusedDConvStep(parts, y, making, Packer(making.graph(), parts, product_of(making)).pack()) {
  }

  void run(const CudaRun& run) const noexcept override {
    DConvPointers at;
    at.x = run.at(x_);
    at.y = run.at(y_);
    at.weight1 = weight1_.as<void>();
    at.weight2 = weight2_.as<void>();
    at.gram = gram_.as<float>();
    at.terms = terms_.as<float>();
    at.scales = scales_.as<float>();
    at.hidden = run.at(inner_);
    at.moments1 = run.at<DConvMoments>(moments1_);
    at.moments2 = run.at<DConvMoments>(moments2_);
    launch_dconv(product_, shape_, at, run.stream);
  }
  std::size_t weight_bytes() const noexcept override {
    return weight1_.bytes() + weight2_.bytes() + gram_.bytes() + terms_.bytes() + scales_.bytes();
  }

 private:
  FusedDConvStep(const DConvParts& parts, Value y, const Making& making, const PackedDConv& packed)
      : product_(product_of(making)),
        shape_(shape_of(product_, making.graph(), parts)),
        weight1_(stored(product_, packed.weight1, making.device)),
        weight2_(stored(product_, packed.weight2, making.device)),
        gram_(packed.gram, making.device),
        terms_(packed.terms, making.device),
        scales_(packed.scales, making.device),
        x_(making.maker.slot(parts.x)),
        y_(making.maker.slot(y)),
        inner_(making.maker.temporary(dconv_hidden_bytes(product_, shape_))),
        moments1_(making.maker.temporary(dconv_moments_bytes(shape_))),
        moments2_(making.maker.temporary(dconv_moments_bytes(shape_))) {
    shape_.bias_squares = packed.bias_squares;
  }

  static Product product_of(const Making& making) {
    return cuda::product_of(making.precision, making.type(0).type);
  }

  Product product_;
  DConvShape shape_;
  DeviceArray weight1_;
  DeviceArray weight2_;
  DeviceArray gram_;
  DeviceArray terms_;
  DeviceArray scales_;
  Slot x_;
  Slot y_;
  Slot inner_;
  Slot moments1_;
  Slot moments2_;
};

}  // namespace

bool takes_fused_dconv(const Graph& graph, const DConvParts& parts) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  const Shape& x = graph.shape(parts.x);
  return x.back() % 4 == 0 && x.back() <= kMostChannels &&
         graph.shape(parts.bias1)[0] <= kMostHidden && x.size() / 16 < kMost &&
         x[x.rank() - 2] * x.back() < kMost && parts.dilation < kMost / 4;
}

std::unique_ptr<Step> make_fused_dconv(const DConvParts& parts, Value y, const Making& making) {
  return std::make_unique<FusedDConvStep>(parts, y, making);
}

}  // namespace metalaudio::nn::cuda
