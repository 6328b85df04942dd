#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/models/amp/amp_network.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>

#include <cstddef>
#include <optional>

#include "apps/options/run_options.h"

namespace metalaudio::apps {

/// A model that audio passes through, a step at a time.
class AudioModel {
 public:
  virtual ~AudioModel() = default;
  /// Channels that go in and come out.
  virtual std::size_t inputs() const noexcept = 0;
  virtual std::size_t outputs() const noexcept = 0;
  /// Frames of a step; 0: any.
  virtual std::size_t block() const noexcept = 0;
  /// What the model says itself.
  virtual std::optional<double> sample_rate_hz() const noexcept { return std::nullopt; }
  virtual void process(ConstAudioView in, AudioView out) noexcept = 0;
  /// What --dot and --profile ask for, on standard output.
  virtual void print() const {}
};

/// Streams a file through an ONNX model, or through a network of RTNeural, resampled to the rate
/// that the model is for. A model of fewer channels runs once for each group of the file's; one
/// channel becomes as many as a model takes.
/// Errors:   throws Error{unsupported} on models that take no such audio, Error{invalid_data} where
///           what comes out is not finite, and as process_file().
int run_audio(const RunOptions& options, const nn::OnnxSummary& summary);
int run_audio(const RunOptions& options, const models::AmpNetwork& network);

}  // namespace metalaudio::apps
