// speech MODEL TRACK: prints where silero's voice detector (silero_vad.onnx) hears speech, each
// span as "FROM TO" in seconds.
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/graph_inference.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <vector>

using namespace metalaudio;

namespace {

constexpr int kRateHz = 16000;
constexpr std::int64_t kHop = 512, kContext = 64;  // the model sees some of the hop before
constexpr float kOn = 0.5F, kOff = 0.35F;          // speech begins and ends at these probabilities
constexpr std::int64_t kShortestSpeech = kRateHz / 4, kShortestPause = kRateHz / 10;
constexpr std::int64_t kMargin = kRateHz * 3 / 100;

struct Span {
  std::int64_t from, to;
};

/// What silero's own get_speech_timestamps() makes of the probabilities, one for each hop.
std::vector<Span> spans_of(std::span<const float> probabilities, std::int64_t frames) {
  std::vector<Span> spans;
  std::int64_t from = -1, pause = -1;  // of the speech and the silence under way; -1: none
  const auto end = [&](std::int64_t to) {
    if (to - from > kShortestSpeech) spans.push_back({from, to});
    from = pause = -1;
  };
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const std::int64_t here = static_cast<std::int64_t>(i) * kHop;
    if (probabilities[i] >= kOn) {
      pause = -1;
      if (from < 0) from = here;
    } else if (probabilities[i] < kOff && from >= 0) {
      if (pause < 0) pause = here;
      if (here - pause >= kShortestPause) end(pause);
    }
  }
  if (from >= 0) end(frames);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    spans[i].from = std::max<std::int64_t>(0, spans[i].from - kMargin);
    spans[i].to = std::min(frames, spans[i].to + kMargin);
  }
  return spans;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return std::fputs("usage: speech MODEL TRACK\n", stderr), 2;
  nn::GraphInferenceOptions options;
  options.fix_shape("input", {1, kContext + kHop}).link_state("stateN", "state");
  for (const nn::OnnxPort& port : nn::inspect_onnx(argv[1]).inputs)
    if (port.name == "sr") options.bind_constant("sr", kRateHz);  // not every version asks for it
  nn::GraphInference model(argv[1], options);

  const audio::TrackSource track(argv[2], {.sample_rate_hz = kRateHz, .channels = 1});
  AudioBuffer window(1, kContext + kHop);
  std::vector<float> probabilities;
  for (std::int64_t at = 0; at < track.frames(); at += kHop) {
    track.read(at - kContext, window);  // zeros before the beginning and after the end
    model.predict(window.channel(0), std::span(&probabilities.emplace_back(), 1));
  }
  for (const Span& span : spans_of(probabilities, track.frames()))
    std::printf("%.2f %.2f\n", double(span.from) / kRateHz, double(span.to) / kRateHz);
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
