// notes MODEL TRACK OUT.mid: writes what Spotify's basic-pitch (nmp.onnx) hears as MIDI.
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/graph_inference.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>

using namespace metalaudio;

constexpr int kRateHz = 22050, kWindow = 43844, kHop = 256, kFrames = 172, kKeys = 88;
constexpr int kEdge = 15;  // frames at both ends of a window, which its neighbours know better
constexpr int kKept = kFrames - 2 * kEdge, kStep = kWindow - 2 * kEdge * kHop;
constexpr float kOnset = 0.5F, kSounding = 0.3F;
constexpr int kShortest = 11, kSilence = 11;  // frames of a note, and of what ends it
using Frames = std::vector<std::array<float, kKeys>>;
using Event = std::array<std::size_t, 4>;  // frame, status, key, velocity

/// Each onset, the last one first, takes what sounds of its key from there on.
static std::vector<Event> events_of(const Frames& onsets, Frames sounding) {
  std::vector<Event> events;
  for (std::size_t start = onsets.size() - 1; start-- > 1;) {
    for (std::size_t key = 0; key < kKeys; ++key) {
      const float x = onsets[start][key];
      if (x < kOnset || x <= onsets[start - 1][key] || x <= onsets[start + 1][key]) continue;
      std::size_t end = start + 1, silent = 0;
      for (; end < sounding.size() && silent < kSilence; ++end)
        silent = sounding[end][key] < kSounding ? silent + 1 : 0;
      if ((end -= silent) - start <= kShortest) continue;
      float sum = 0;
      for (std::size_t i = start; i < end; ++i) {
        sum += sounding[i][key];
        sounding[i][key] = sounding[i][key - (key > 0)] = sounding[i][key + (key < kKeys - 1)] = 0;
      }
      events.push_back({start, 0x90, key + 21, std::size_t(1 + 126 * sum / float(end - start))});
      events.push_back({end, 0x80, key + 21, 0});
    }
  }
  std::ranges::sort(events);
  return events;
}

int main(int argc, char** argv) try {
  if (argc != 4) return std::fputs("usage: notes MODEL TRACK OUT.mid\n", stderr), 2;
  nn::GraphInference model(
      argv[1], nn::GraphInferenceOptions().fix_shape("serving_default_input_2:0", {1, kWindow, 1}));
  const audio::TrackSource track(argv[2], {.sample_rate_hz = kRateHz, .channels = 1});
  AudioBuffer window(1, kWindow);
  const ConstTensorView in(window.channel(0), {1, kWindow, 1});
  Frames results(std::size_t{5} * kFrames), onsets, notes;  // onsets, notes, and bends in thirds
  std::array<TensorView, 3> out;
  for (std::size_t i = 0; i < 3; ++i)
    out[i] = {DataType::f32, {i < 2 ? kFrames : 3 * kFrames, kKeys}, &results[i * kFrames]};
  for (std::int64_t at = -kEdge * kHop; at < track.frames() - kEdge * kHop; at += kStep) {
    track.read(at, window);  // zeros before the beginning and after the end
    model.predict({&in, 1}, out);
    onsets.insert(onsets.end(), &results[kEdge], &results[kEdge + kKept]);
    notes.insert(notes.end(), &results[kFrames + kEdge], &results[kFrames + kEdge + kKept]);
  }
  std::string midi;
  std::size_t last = 0;
  for (const auto& [frame, status, key, velocity] : events_of(onsets, notes)) {
    const std::size_t samples = frame / kKept * kStep + frame % kKept * kHop;
    const std::size_t tick = samples * 960 / kRateHz, wait = tick - std::exchange(last, tick);
    for (const int shift : {28, 21, 14, 7})  // seven bits a byte
      if (wait >> shift > 0) midi += char(0x80U | (wait >> shift & 0x7FU));
    for (const std::size_t byte : {wait & 0x7FU, status, key, velocity}) midi += char(byte);
  }
  midi += std::string("\0\xFF\x2F\0", 4);
  std::ofstream file(argv[3], std::ios::binary);
  file << std::string("MThd\0\0\0\6\0\0\0\1\1\xE0MTrk", 18);  // one track, 480 ticks a half second
  for (const int shift : {24, 16, 8, 0}) file << char(midi.size() >> shift & 0xFFU);
  if (!(file << midi << std::flush)) throw std::runtime_error("the MIDI cannot be written");
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
