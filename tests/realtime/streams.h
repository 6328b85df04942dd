#pragma once

#include <metalaudio/core/audio_view.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace metalaudio::testing {

/// One channel in, one out, of 64 frames.
using StreamBlock = std::function<void(const ConstAudioView& in, const AudioView& out)>;

/// A class that runs in an audio callback, and how to make one of it.
struct Streamed {
  std::string name;
  std::function<StreamBlock()> make;
};

inline void PrintTo(const Streamed& stream, std::ostream* out) { *out << stream.name; }

/// All of them, in the usual ways of making them.
const std::vector<Streamed>& all_streams();

}  // namespace metalaudio::testing
