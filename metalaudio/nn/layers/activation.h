#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/operations/unary.h>

#include <cstdint>
#include <string>

namespace metalaudio::nn::layers {

/// A function of one value, frame by frame; the functions below make those that PyTorch has.
/// Threads:  as Layer.
class Activation final : public Layer {
 public:
  explicit Activation(UnaryFunction function, double alpha = 0, double beta = 0)
      : function_{function, alpha, beta} {}
  std::string name() const override { return std::string(to_string(function_.function)); }

 protected:
  Value do_write(const Scope& scope, Value x) const override {
    return scope.graph.apply(function_, {x});
  }

 private:
  Unary function_;
};

inline Activation relu() { return Activation(UnaryFunction::relu); }         ///< nn.ReLU()
inline Activation relu6() { return Activation(UnaryFunction::clip, 0, 6); }  ///< nn.ReLU6()
inline Activation gelu() { return Activation(UnaryFunction::gelu); }  ///< nn.GELU("none"): with erf
inline Activation gelu_tanh() { return Activation(UnaryFunction::gelu_tanh); }  ///< nn.GELU("tanh")
inline Activation silu() { return Activation(UnaryFunction::silu); }          ///< nn.SiLU(), swish
inline Activation sigmoid() { return Activation(UnaryFunction::sigmoid); }    ///< nn.Sigmoid()
inline Activation tanh() { return Activation(UnaryFunction::tanh); }          ///< nn.Tanh()
inline Activation mish() { return Activation(UnaryFunction::mish); }          ///< nn.Mish()
inline Activation softplus() { return Activation(UnaryFunction::softplus); }  ///< nn.Softplus()
inline Activation softsign() { return Activation(UnaryFunction::softsign); }  ///< nn.Softsign()
inline Activation hardswish() { return Activation(UnaryFunction::hard_swish); }  ///< nn.Hardswish()
/// nn.Hardsigmoid(): clip(x / 6 + 1 / 2, 0, 1).
inline Activation hardsigmoid() { return Activation(UnaryFunction::hard_sigmoid, 1.0 / 6.0, 0.5); }
/// nn.Hardtanh(low, high).
inline Activation hardtanh(double low = -1, double high = 1) {
  return Activation(UnaryFunction::clip, low, high);
}
/// nn.LeakyReLU(negative_slope).
inline Activation leaky_relu(double negative_slope = 0.01) {
  return Activation(UnaryFunction::leaky_relu, negative_slope);
}
inline Activation elu(double alpha = 1) {
  return Activation(UnaryFunction::elu, alpha);
}  ///< nn.ELU(alpha)
inline Activation celu(double alpha = 1) {
  return Activation(UnaryFunction::celu, alpha);
}  ///< nn.CELU(alpha)
/// nn.SELU().
inline Activation selu() {
  return Activation(UnaryFunction::selu, 1.6732632423543772848, 1.0507009873554804934);
}

/// torch.nn.GLU(-1) on the channels: a · sigmoid(b) of the two halves.
/// Shapes:   […][2 · channels] -> […][channels].
/// Threads:  as Layer.
class Glu final : public Layer {
 public:
  std::string name() const override { return "Glu"; }

 protected:
  Value do_write(const Scope& scope, Value x) const override {
    return scope.graph.apply(nn::Glu{}, {x});
  }
};

/// torch.nn.PReLU(num_parameters): one slope, or one per channel.
/// Shapes:   […][channels] -> the same; weight[num_parameters].
/// Threads:  as Layer.
class PRelu final : public Layer {
 public:
  explicit PRelu(std::int64_t num_parameters = 1);
  std::string name() const override { return fmt::format("PRelu({})", num_parameters_); }

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  std::int64_t num_parameters_;
};

/// x + sin²(alpha x) / (alpha + 1e-9), alpha per channel: Snake of the Descript audio codec. With
/// `logarithmic` alpha is stored as its logarithm; with `beta` a second parameter divides in its
/// place: BigVGAN's SnakeBeta.
/// Shapes:   […][channels] -> the same; alpha, beta: of the shape [1][channels][1] of the codec, or
///           [channels] of BigVGAN.
/// Threads:  as Layer.
struct SnakeOptions {
  std::int64_t channels = 1;
  bool beta = false;
  bool logarithmic = false;
  bool flat = true;  ///< parameters are [channels], not [1][channels][1]
};

/// The layer of SnakeOptions.
/// Threads:  as Layer.
class Snake final : public Layer {
 public:
  explicit Snake(const SnakeOptions& options);
  std::string name() const override { return fmt::format("Snake({})", options_.channels); }

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  SnakeOptions options_;
};

/// torch.nn.Softmax(-1) on the channels, or LogSoftmax, the maximum subtracted first.
/// Threads:  as Layer.
class Softmax final : public Layer {
 public:
  explicit Softmax(bool log = false) : log_(log) {}
  std::string name() const override { return log_ ? "LogSoftmax" : "Softmax"; }

 protected:
  Value do_write(const Scope& scope, Value x) const override {
    return scope.graph.apply(nn::Softmax{-1, log_}, {x});
  }

 private:
  bool log_;
};

/// torch.nn.Dropout in eval(), and torch.nn.Identity: nothing.
/// Threads:  as Layer.
class Dropout final : public Layer {
 public:
  std::string name() const override { return "Dropout"; }

 protected:
  Value do_write(const Scope&, Value x) const override { return x; }
};

}  // namespace metalaudio::nn::layers
