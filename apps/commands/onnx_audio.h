#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/nn/graph_inference.h>

#include <vector>

#include "apps/commands/audio_port.h"
#include "apps/commands/run_audio.h"
#include "apps/commands/run_tensors.h"

namespace metalaudio::apps {

/// An ONNX model as an AudioModel: one input that is neither bound nor linked is the audio, and the
/// first output that can be is what comes out. Where that has fewer frames, as after convolutions
/// without padding, each step sees as much of the past as is missing.
class OnnxAudio final : public AudioModel {
 public:
  /// Errors:   throws Error{invalid_argument, unsupported}, and as GraphInference.
  OnnxAudio(const RunOptions& options, const RunValues& values, const nn::OnnxSummary& summary,
            std::size_t file_channels);

  std::size_t inputs() const noexcept override { return groups_.size() * in_.channels; }
  std::size_t outputs() const noexcept override { return groups_.size() * out_.channels; }
  std::size_t block() const noexcept override { return out_.frames; }
  void process(ConstAudioView in, AudioView out) noexcept override;
  void print() const override;

 private:
  struct Group {
    nn::GraphInference model;
    AudioBuffer window;  ///< what the model sees: the past and the step
  };

  void find_output(const nn::GraphInference& model);
  nn::GraphInference compile(std::size_t frames);
  nn::GraphInference compile_some(std::size_t block);
  nn::GraphInference compile_for(std::size_t block);
  void step(Group& group, ConstAudioView in, AudioView out) noexcept;

  const RunOptions& options_;
  nn::GraphInferenceOptions inference_;
  std::string input_name_;
  AudioPort in_;
  AudioPort out_;
  std::size_t output_index_ = 0;
  std::vector<Group> groups_;
  Tensor input_;
  std::vector<Tensor> results_;
  std::vector<TensorView> outputs_;
};

}  // namespace metalaudio::apps
