#include "apps/commands/run_audio.h"

#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph_inference.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string>
#include <vector>

namespace metalaudio::apps {
namespace {

/// The input that is neither bound nor linked.
const nn::OnnxPort& audio_input(const nn::OnnxSummary& summary, const nn::OnnxOptions& import) {
  const nn::OnnxPort* found = nullptr;
  for (const nn::OnnxPort& port : summary.inputs) {
    const bool linked = std::any_of(import.states.begin(), import.states.end(),
                                    [&](const nn::OnnxState& s) { return s.input == port.name; });
    if (linked || import.constants.contains(port.name)) continue;
    if (import.samples.contains(port.name)) continue;
    if (found != nullptr) {
      fail(ErrorCode::unsupported, "inputs {} and {} are both open: bind or link one of them",
           found->name, port.name);
    }
    found = &port;
  }
  if (found == nullptr) fail(ErrorCode::unsupported, "no input is left for the audio");
  return *found;
}

/// Where frames and channels lie in the input, and how many there are.
struct Layout {
  Shape shape = {};
  std::size_t channels = 1;
  std::size_t frames = 0;
  bool channels_last = false;
};

Layout layout_of(const nn::OnnxPort& port, std::size_t file_channels, int block) {
  std::vector<std::int64_t> axes;
  for (const std::string& axis : port.axes) {
    std::int64_t extent = -1;
    std::from_chars(axis.data(), axis.data() + axis.size(), extent);
    axes.push_back(extent);
  }
  const std::size_t rank = axes.size();
  if (rank < 1 || rank > 3 || port.type != "f32") {
    fail(ErrorCode::unsupported, "input {} is {}[{}]: no audio", port.name, port.type,
         fmt::join(port.axes, ", "));
  }
  Layout layout;
  layout.channels_last =
      rank == 3 && (axes[2] == 1 || axes[2] == 2) && axes[1] != 1 && axes[1] != 2;
  const std::size_t time = layout.channels_last ? 1 : rank - 1;
  const std::size_t channel = layout.channels_last ? 2 : 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool is_channel = rank == 3 && i == channel;
    if (axes[i] < 0)
      axes[i] = i == time ? block : is_channel ? static_cast<std::int64_t>(file_channels) : 1;
    if (is_channel) layout.channels = static_cast<std::size_t>(axes[i]);
    if (i != time && !is_channel && axes[i] != 1) {
      fail(ErrorCode::unsupported, "input {}: axis {} is {}", port.name, i, axes[i]);
    }
  }
  layout.frames = static_cast<std::size_t>(axes[time]);
  layout.shape = Shape(axes);
  return layout;
}

/// The model's instances, one for each group of channels that it takes together.
class AudioRunner {
 public:
  AudioRunner(nn::GraphInference model, const Layout& layout, std::size_t channels)
      : layout_(layout) {
    const nn::GraphPort& output = model.outputs()[0];
    if (model.inputs().size() != 1 || output.type.type != DataType::f32 ||
        output.type.shape.size() != layout.shape.size()) {
      fail(ErrorCode::unsupported, "output {} is {}: no audio of {} frames", output.name,
           output.type.to_string(), layout.frames);
    }
    if (channels % layout.channels != 0) {
      fail(ErrorCode::unsupported, "the model takes {} channels, the file has {}", layout.channels,
           channels);
    }
    for (const nn::GraphPort& port : model.outputs())
      results_.emplace_back(port.type.shape, port.type.type);
    for (Tensor& result : results_) outputs_.push_back(result.view());
    input_ = Tensor(layout.shape);
    for (std::size_t i = 1; i < channels / layout.channels; ++i) models_.push_back(model.clone());
    models_.insert(models_.begin(), std::move(model));
  }

  void process(ConstAudioView in, AudioView out) {
    for (std::size_t start = 0; start < in.frames(); start += layout_.frames) {
      const std::size_t count = std::min(layout_.frames, in.frames() - start);
      for (std::size_t m = 0; m < models_.size(); ++m)
        step(m, in.part(start, count), out.part(start, count));
    }
  }

 private:
  std::size_t place(std::size_t channel, std::size_t frame) const {
    return layout_.channels_last ? frame * layout_.channels + channel
                                 : channel * layout_.frames + frame;
  }

  void step(std::size_t m, ConstAudioView in, AudioView out) {
    std::ranges::fill(input_.values(), 0.0F);
    for (std::size_t c = 0; c < layout_.channels; ++c) {
      const std::span<const float> from = in.channel(m * layout_.channels + c);
      for (std::size_t i = 0; i < from.size(); ++i) {
        input_.values()[place(c, i)] = from[i];
      }
    }
    const ConstTensorView view = std::as_const(input_).view();
    models_[m].predict(std::span(&view, 1), outputs_);
    for (std::size_t c = 0; c < layout_.channels; ++c) {
      const std::span<float> to = out.channel(m * layout_.channels + c);
      for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = results_[0].values()[place(c, i)];
      }
    }
  }

  Layout layout_;
  std::vector<nn::GraphInference> models_;
  Tensor input_;
  std::vector<Tensor> results_;
  std::vector<TensorView> outputs_;
};

}  // namespace

int run_audio(const RunOptions& options, const nn::OnnxSummary& summary) {
  if (options.file.out.empty()) fail(ErrorCode::invalid_argument, "-o OUT is missing");
  audio::AudioReader reader(options.file.in);
  if (options.rate_hz != 0 && options.rate_hz != reader.format().sample_rate_hz) {
    fail(ErrorCode::unsupported, "the model is for {} Hz, {} has {} Hz", options.rate_hz,
         options.file.in.string(), reader.format().sample_rate_hz);
  }
  nn::GraphInferenceOptions inference;
  inference.model = import_options(options, summary, true);
  for (nn::OnnxState& state : inference.model.states) state.keep_output = false;
  const nn::OnnxPort& port = audio_input(summary, inference.model);
  const Layout layout = layout_of(port, reader.format().channels, options.block);
  constexpr std::size_t kChunk = 16384;  // of process_file: only the last one may be cut
  if (layout.frames == 0 || kChunk % layout.frames != 0) {
    fail(ErrorCode::unsupported, "steps of {} frames: a power of two up to {} is needed",
         layout.frames, kChunk);
  }
  inference.fix_shape(port.name, layout.shape);
  nn::GraphInference model(options.model, inference);
  if (options.dot) std::cout << model.to_dot();
  AudioRunner runner(std::move(model), layout, reader.format().channels);
  FileProcessing processing;
  processing.out_channels = reader.format().channels;
  processing.process = [&](ConstAudioView in, AudioView out) { runner.process(in, out); };
  process_file(reader, processing, options.file);
  return 0;
}

}  // namespace metalaudio::apps
