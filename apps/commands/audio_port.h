#pragma once

#include <metalaudio/core/shape.h>
#include <metalaudio/nn/graph_inference.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>

#include <cstddef>
#include <optional>

namespace metalaudio::apps {

/// An input or output as audio: [T], [C][T] or [T][C], with axes of 1 around them.
struct AudioPort {
  Shape shape = {};
  DataType type = DataType::f32;  ///< full scale is 1, of i16 32768
  std::size_t time_axis = 0;
  std::size_t channels = 1;
  std::size_t frames = 0;
  std::size_t time_stride = 1;
  std::size_t channel_stride = 0;
  bool free_time = false;  ///< the model leaves the number of frames open

  std::size_t place(std::size_t channel, std::size_t frame) const noexcept {
    return channel * channel_stride + frame * time_stride;
  }
};

/// Of an input; free axes are the block along time, as many channels as the file has, or 1.
/// Errors:   throws Error{unsupported} where it is no audio.
AudioPort audio_input(const nn::OnnxPort& port, std::size_t file_channels, std::size_t block);

/// The same with another number of frames.
AudioPort with_frames(const AudioPort& port, std::size_t frames);

/// Of an output for such an input: as many frames, or, where `fewer`, less but more than one.
std::optional<AudioPort> audio_output(const nn::GraphPort& port, const AudioPort& input,
                                      bool fewer);

}  // namespace metalaudio::apps
