#include "apps/commands/onnx_audio.h"

#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <type_traits>
#include <utility>

namespace metalaudio::apps {
namespace {

constexpr std::size_t kUsualBlock = 512;
constexpr std::size_t kMostFrames = std::size_t{1} << 19;

constexpr float kFullScale = 32768;  // of i16

template <typename T>
T from_sample(float sample) noexcept {
  if constexpr (std::is_same_v<T, std::int16_t>) {
    return static_cast<T>(std::lrint(std::clamp(sample * kFullScale, -kFullScale, 32767.0F)));
  } else {
    return static_cast<T>(sample);
  }
}

template <typename T>
float to_sample(T value) noexcept {
  const auto sample = static_cast<float>(value);
  return std::is_same_v<T, std::int16_t> ? sample / kFullScale : sample;
}

nn::OnnxPort open_input(const RunValues& values, const nn::OnnxSummary& summary) {
  const std::vector<nn::OnnxPort> open = open_inputs(values, summary);
  if (open.empty()) {
    fail(ErrorCode::invalid_argument, "no input is left for the audio; the model has {}",
         port_list(summary.inputs));
  }
  if (open.size() > 1) {
    fail(ErrorCode::invalid_argument,
         "one input has to be left for the audio, but these are open: {}; give values with --bind, "
         "link states with --state OUT=IN",
         port_list(open));
  }
  return open.front();
}

}  // namespace

OnnxAudio::OnnxAudio(const RunOptions& options, const RunValues& values,
                     const nn::OnnxSummary& summary, std::size_t file_channels)
    : options_(options), inference_(inference_options(options, values, summary)) {
  for (nn::OnnxState& state : inference_.model.states) state.keep_output = false;
  for (auto& [name, tensor] : inference_.model.samples) {
    const auto& states = inference_.model.states;
    if (std::ranges::find(states, name, &nn::OnnxState::input) == states.end())
      inference_.model.constants[name] = tensor;
  }
  inference_.model.samples.clear();
  const nn::OnnxPort port = open_input(values, summary);
  input_name_ = port.name;
  const auto block = static_cast<std::size_t>(options.block.value_or(int{kUsualBlock}));
  in_ = audio_input(port, file_channels, block);
  if (options.block && !in_.free_time && block != in_.frames) {
    fail(ErrorCode::invalid_argument, "--block {}: the model's steps have {}", block,
         counted(in_.frames, "frame"));
  }
  nn::GraphInference model = in_.free_time ? compile_for(block) : compile(in_.frames);
  find_output(model);
  for (const nn::GraphPort& output : model.outputs()) {
    results_.emplace_back(output.type.shape, output.type.type);
  }
  for (Tensor& result : results_) outputs_.push_back(result.view());
  input_ = Tensor(in_.shape, in_.type);
  const std::size_t channels = std::max(file_channels, in_.channels);  // one may become two
  const std::size_t count = channels / in_.channels;
  if ((file_channels != 1 && file_channels % in_.channels != 0) ||
      (count > 1 && out_.channels != in_.channels)) {
    fail(ErrorCode::unsupported, "the model makes {} of {}, the file has {}",
         counted(out_.channels, "channel"), in_.channels, file_channels);
  }
  for (std::size_t i = 1; i < count; ++i)
    groups_.push_back({model.clone(), AudioBuffer(in_.channels, in_.frames)});
  groups_.insert(groups_.begin(), {std::move(model), AudioBuffer(in_.channels, in_.frames)});
}

void OnnxAudio::find_output(const nn::GraphInference& model) {
  for (const bool fewer : {false, true}) {
    for (std::size_t i = 0; i < model.outputs().size(); ++i) {
      const auto found = audio_output(model.outputs()[i], in_, fewer);
      if (!found) continue;
      out_ = *found;
      output_index_ = i;
      return;
    }
  }
  std::string text;
  for (const nn::GraphPort& port : model.outputs())
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", port.name, port.type.to_string());
  fail(ErrorCode::unsupported, "no output is audio of {}: {}", counted(in_.frames, "frame"),
       text.empty() ? "there is none" : text);
}

nn::GraphInference OnnxAudio::compile(std::size_t frames) {
  in_ = with_frames(in_, frames);
  inference_.model.shapes[input_name_] = in_.shape;
  return nn::GraphInference(options_.model, inference_);
}

/// Frames that a model makes anything of: without padding it may take more than a block.
nn::GraphInference OnnxAudio::compile_some(std::size_t block) {
  std::optional<Error> first;
  for (std::size_t frames = block; frames <= kMostFrames; frames *= 2) {
    try {
      return compile(frames);
    } catch (const Error& error) {
      if (!first) first = error;
      if (error.code() == ErrorCode::unsupported) break;
    }
  }
  throw *first;
}

/// So that a step gives `block` frames, whatever it has to see for that.
nn::GraphInference OnnxAudio::compile_for(std::size_t block) {
  nn::GraphInference model = compile_some(block);
  find_output(model);
  if (out_.frames == block) return model;
  // What is computed again in every step should not be most of it.
  const std::size_t past = in_.frames - out_.frames;
  if (!options_.block) block = std::max(block, past);
  model = compile(block + past);
  find_output(model);
  if (out_.frames != block) {
    fail(ErrorCode::unsupported, "{} of output for {} of input: no stream",
         counted(out_.frames, "frame"), in_.frames);
  }
  return model;
}

void OnnxAudio::step(Group& group, ConstAudioView in, AudioView out) noexcept {
  const std::size_t past = in_.frames - out_.frames;
  for (std::size_t c = 0; c < in_.channels; ++c) {
    const std::span<float> window = group.window.channel(c);
    std::copy(window.end() - static_cast<std::ptrdiff_t>(past), window.end(), window.begin());
    std::ranges::copy(in.channel(c), window.begin() + static_cast<std::ptrdiff_t>(past));
    visit_type(in_.type, [&]<typename T>(std::type_identity<T>) {
      const std::span<T> to = input_.values_as<T>();
      for (std::size_t i = 0; i < in_.frames; ++i) to[in_.place(c, i)] = from_sample<T>(window[i]);
    });
  }
  const ConstTensorView view = std::as_const(input_).view();
  group.model.predict(std::span(&view, 1), outputs_);
  visit_type(out_.type, [&]<typename T>(std::type_identity<T>) {
    const std::span<const T> from = std::as_const(results_[output_index_]).values_as<T>();
    for (std::size_t c = 0; c < out_.channels; ++c) {
      const std::span<float> result = out.channel(c);
      for (std::size_t i = 0; i < out_.frames; ++i) result[i] = to_sample(from[out_.place(c, i)]);
    }
  });
}

void OnnxAudio::process(ConstAudioView in, AudioView out) noexcept {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    step(groups_[g], in.some_channels(g * in_.channels, in_.channels),
         out.some_channels(g * out_.channels, out_.channels));
  }
}

void OnnxAudio::print() const {
  if (options_.dot) std::cout << groups_.front().model.to_dot();
  if (options_.profile) std::cout << groups_.front().model.profile().table();
}

}  // namespace metalaudio::apps
