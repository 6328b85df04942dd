#include "apps/commands/audio_port.h"

#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace metalaudio::apps {
namespace {

using Extents = std::vector<std::int64_t>;

/// Fills the rest in from the extents; nothing where there are two axes of channels.
std::optional<AudioPort> port_of(const Extents& extents, std::size_t time) {
  AudioPort port;
  port.shape = Shape(extents);
  port.time_axis = time;
  port.frames = static_cast<std::size_t>(extents[time]);
  std::size_t stride = 1;
  for (std::size_t i = extents.size(); i-- > 0;) {
    if (i == time) port.time_stride = stride;
    if (i != time && extents[i] != 1) {
      if (port.channels != 1 || extents[i] < 1) return std::nullopt;
      port.channels = static_cast<std::size_t>(extents[i]);
      port.channel_stride = stride;
    }
    stride *= static_cast<std::size_t>(extents[i]);
  }
  return port;
}

/// What the model says of an axis, or -1: names such as "4*s0" and "2d" begin with digits too.
std::int64_t extent_of(const std::string& axis) {
  std::int64_t extent = -1;
  const char* end = axis.data() + axis.size();
  const auto [next, error] = std::from_chars(axis.data(), end, extent);
  return error == std::errc() && next == end ? extent : -1;
}

std::optional<DataType> audio_type(const std::string& name) {
  for (const DataType type :
       {DataType::f32, DataType::f16, DataType::bf16, DataType::f64, DataType::i16}) {
    if (name == to_string(type)) return type;
  }
  return std::nullopt;
}

bool is_batch(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.starts_with("batch") || name == "n" || name == "b";
}

}  // namespace

AudioPort audio_input(const nn::OnnxPort& given, std::size_t file_channels, std::size_t block) {
  const auto refuse = [&] {
    fail(ErrorCode::unsupported, "input {} is {}[{}]: no audio", given.name, given.type,
         fmt::join(given.axes, ", "));
  };
  const std::size_t rank = given.axes.size();
  if (rank < 1 || rank > Shape::kMaxRank || !audio_type(given.type)) refuse();
  Extents extents;
  for (const std::string& axis : given.axes) extents.push_back(extent_of(axis));
  const auto few = [&](std::size_t axis) { return extents[axis] == 1 || extents[axis] == 2; };
  const bool last =
      rank >= 2 && few(rank - 1) && !few(rank - 2) && !(rank == 2 && is_batch(given.axes[0]));
  const std::size_t time = last ? rank - 2 : rank - 1;
  const std::size_t channel = last ? rank - 1 : time - 1;
  const bool free_time = extents[time] < 0;
  for (std::size_t i = 0; i < rank; ++i) {
    if (extents[i] >= 0) continue;
    const bool is_channel = rank >= 3 && i == channel;
    extents[i] = static_cast<std::int64_t>(i == time ? block : is_channel ? file_channels : 1);
  }
  std::optional<AudioPort> port = port_of(extents, time);
  if (!port || port->frames == 0 || port->channels > audio::AudioReader::kMaxChannels) refuse();
  port->free_time = free_time;
  port->type = *audio_type(given.type);
  return *port;
}

AudioPort with_frames(const AudioPort& port, std::size_t frames) {
  Extents extents(port.shape.extents().begin(), port.shape.extents().end());
  extents[port.time_axis] = static_cast<std::int64_t>(frames);
  AudioPort result = *port_of(extents, port.time_axis);
  result.free_time = port.free_time;
  result.type = port.type;
  return result;
}

std::optional<AudioPort> audio_output(const nn::GraphPort& port, const AudioPort& input,
                                      bool fewer) {
  const Shape& shape = port.type.shape;
  if (port.type.type != DataType::f32 && port.type.type != input.type) return std::nullopt;
  const Extents extents(shape.extents().begin(), shape.extents().end());
  const bool same_rank = shape.rank() == input.shape.rank();
  const auto at = [&](std::size_t axis) -> std::optional<AudioPort> {
    const auto frames = static_cast<std::size_t>(extents[axis]);
    const bool fits = fewer ? frames > 1 && frames < input.frames : frames == input.frames;
    std::optional<AudioPort> found = fits ? port_of(extents, axis) : std::nullopt;
    if (found) found->type = port.type.type;
    return found;
  };
  if (same_rank) {
    if (const auto found = at(input.time_axis)) return found;
  }
  for (std::size_t axis = shape.rank(); !fewer && axis-- > 0;) {
    if (const auto found = at(axis)) return found;
  }
  return std::nullopt;
}

}  // namespace metalaudio::apps
