#include <metalaudio/nn/cuda/kernels/transform.h>
#include <metalaudio/nn/cuda/steps/steps.h>

#include <cmath>
#include <numbers>

namespace metalaudio::nn::cuda {

namespace {

/// (cos, sin) of all angles of a transform.
std::vector<double> turns_of(std::int64_t size) {
  std::vector<double> turns;
  for (std::int64_t k = 0; k < size; ++k) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size);
    turns.push_back(std::cos(angle));
    turns.push_back(std::sin(angle));
  }
  return turns;
}

DftShape shape_of(const Dft& dft, const Shape& in, const Shape& out) {
  const std::size_t axis = axis_of(dft.axis, in.rank());
  DftShape shape;
  for (std::size_t i = 0; i < axis; ++i) shape.outer *= in[i];
  for (std::size_t i = axis + 1; i + 1 < in.rank(); ++i) shape.inner *= in[i];
  shape.in = in[axis];
  shape.bins = out[axis];
  shape.parts = static_cast<int>(in.back());
  shape.inverse = dft.inverse;
  shape.to_real = dft.onesided && dft.inverse;
  shape.size = dft.size > 0 ? dft.size : shape.to_real ? 2 * (in[axis] - 1) : in[axis];
  return shape;
}

class DftStep final : public CudaStep {
 public:
  DftStep(const Dft& dft, const Making& making)
      : type_(making.type(0).type),
        shape_(shape_of(dft, making.type(0).shape, making.result_type().shape)),
        turns_(turns_of(shape_.size), making.device),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    launch_dft(type_, run.at(x_), turns_.as<double>(), run.at(y_), shape_, run.stream);
  }
  std::size_t weight_bytes() const noexcept override { return turns_.bytes(); }

 private:
  DataType type_;
  DftShape shape_;
  DeviceArray turns_;
  Slot x_;
  Slot y_;
};

class StftStep final : public CudaStep {
 public:
  StftStep(const Stft& stft, const Making& making)
      : type_(making.type(0).type),
        turns_(turns_of(stft.frame), making.device),
        signal_(making.input(Stft::signal)),
        window_(making.input(Stft::window)),
        y_(making.result()) {
    const Shape& signal = making.type(Stft::signal).shape;
    const Shape& out = making.result_type().shape;
    shape_.batch = signal[0];
    shape_.samples = signal[1];
    shape_.parts = static_cast<int>(signal[2]);
    shape_.frames = out[1];
    shape_.bins = out[2];
    shape_.frame = stft.frame;
    shape_.hop = stft.hop;
  }
  void run(const CudaRun& run) const noexcept override {
    launch_stft(type_, run.at(signal_), run.at(window_), turns_.as<double>(), run.at(y_), shape_,
                run.stream);
  }
  std::size_t weight_bytes() const noexcept override { return turns_.bytes(); }

 private:
  DataType type_;
  StftShape shape_;
  DeviceArray turns_;
  Slot signal_;
  Slot window_;
  Slot y_;
};

class RotaryStep final : public CudaStep {
 public:
  RotaryStep(const Rotary& rotary, const Making& making)
      : type_(making.type(0).type), x_(making.input(Rotary::x)), y_(making.result()) {
    const Shape& x = making.type(Rotary::x).shape;
    const std::vector<float> frequencies =
        floats_of(making.graph(), making.node.inputs[Rotary::frequencies]);
    const std::size_t axis = axis_of(rotary.axis, x.rank());
    shape_.size = x.size();
    shape_.tokens = x[axis];
    for (std::size_t i = axis + 1; i < x.rank(); ++i) shape_.inner *= x[i];
    shape_.channels = x.back();
    shape_.depth = x.back() / rotary.heads;
    shape_.pairs = static_cast<std::int64_t>(frequencies.size());
    shape_.interleaved = rotary.interleaved;
    making.maker.will_keep(static_cast<std::size_t>(shape_.tokens * shape_.pairs) * 2 *
                           sizeof(float));
    std::vector<float> turns;
    for (std::int64_t token = 0; token < shape_.tokens; ++token) {
      for (const float frequency : frequencies) {
        const double angle = static_cast<double>(token) * static_cast<double>(frequency);
        turns.push_back(static_cast<float>(std::cos(angle)));
        turns.push_back(static_cast<float>(std::sin(angle)));
      }
    }
    turns_ = DeviceArray(turns, making.device);
  }
  void run(const CudaRun& run) const noexcept override {
    launch_rotary(type_, run.at(x_), turns_.as<float>(), run.at(y_), shape_, run.stream);
  }

 private:
  DataType type_;
  RotaryShape shape_;
  DeviceArray turns_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Dft& dft, const Graph& graph, const Node& node) {
  const DftShape shape = shape_of(dft, graph.shape(node.inputs[0]), graph.shape(node.results[0]));
  return shape.size > kMostBins ? "it is too long" : "";
}
std::unique_ptr<Step> make_step(const Dft& dft, const Making& making) {
  return std::make_unique<DftStep>(dft, making);
}

std::string refusal_of(const Stft& stft, const Graph& graph, const Node& node) {
  const bool has_window = Stft::window < node.inputs.size() && node.inputs[Stft::window].present();
  if (has_window &&
      graph.type(node.inputs[Stft::window]).type != graph.type(node.inputs[Stft::signal]).type) {
    return "its window has another type";
  }
  return stft.frame > kMostBins ? "its frames are too long" : "";
}
std::unique_ptr<Step> make_step(const Stft& stft, const Making& making) {
  return std::make_unique<StftStep>(stft, making);
}

std::string refusal_of(const Rotary&, const Graph& graph, const Node& node) {
  return refuse_unless_real(graph, node.inputs[Rotary::x]);
}
std::unique_ptr<Step> make_step(const Rotary& rotary, const Making& making) {
  return std::make_unique<RotaryStep>(rotary, making);
}

}  // namespace metalaudio::nn::cuda
