#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

const std::string kModels = METALAUDIO_SHARED_DIR "/models/onnx/";

/// What a command prints; its status must be zero.
std::string output_of(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  std::string text;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) text += part.data();
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

struct Note {
  int key;
  double from_s;
  double to_s;
};

/// Tones of six harmonics that die away.
AudioBuffer play(const std::vector<Note>& notes, double seconds, int rate_hz) {
  AudioBuffer sound(2, static_cast<std::size_t>(seconds * rate_hz));
  for (const Note& note : notes) {
    const double step = 2 * std::numbers::pi * 440 * std::exp2((note.key - 69) / 12.0) / rate_hz;
    const auto first = static_cast<std::size_t>(note.from_s * rate_hz);
    const auto count = static_cast<std::size_t>((note.to_s - note.from_s) * rate_hz);
    for (std::size_t i = 0; i < count; ++i) {
      const double edge = std::min(
          1.0, std::min(static_cast<double>(i) / 100, static_cast<double>(count - i) / 400));
      double value = 0;
      for (int h = 1; h <= 6; ++h)
        value += std::sin(step * h * static_cast<double>(i)) / (h * std::sqrt(h));
      value *= 0.2 * edge * std::exp(-2.0 * static_cast<double>(i) / rate_hz);
      for (std::size_t channel = 0; channel < 2; ++channel)
        sound.channel(channel)[first + i] += static_cast<float>(value);
    }
  }
  return sound;
}

/// Reads a standard MIDI file of one track by its specification: notes in the order of their ends.
std::vector<Note> read_midi(const std::string& bytes) {
  std::size_t at = 0;
  const auto number = [&](int count) {
    std::size_t value = 0;
    while (count-- > 0) value = value << 8U | static_cast<unsigned char>(bytes.at(at++));
    return value;
  };
  EXPECT_EQ(bytes.substr(0, 4), "MThd");
  at = 4;
  EXPECT_EQ(number(4), 6U);
  EXPECT_EQ(number(2), 0U);
  EXPECT_EQ(number(2), 1U);
  const double ticks_per_second = 2.0 * static_cast<double>(number(2));  // 120 quarters a minute
  EXPECT_EQ(bytes.substr(at, 4), "MTrk");
  at += 4;
  const std::size_t length = number(4);
  EXPECT_EQ(length, bytes.size() - at);
  std::vector<Note> notes;
  std::map<std::size_t, double> sounding;
  double ticks = 0;
  while (true) {
    std::size_t wait = 0, byte = 0;
    do {
      byte = number(1);
      wait = wait << 7U | (byte & 0x7FU);
    } while (byte >= 0x80);
    ticks += static_cast<double>(wait);
    const std::size_t status = number(1);
    if (status == 0xFF) {
      EXPECT_EQ(number(2), 0x2F00U);
      break;
    }
    const std::size_t key = number(1), velocity = number(1);
    EXPECT_LT(velocity, 128U);
    if (status == 0x90) {
      EXPECT_GT(velocity, 0U);
      EXPECT_TRUE(sounding.emplace(key, ticks / ticks_per_second).second) << key;
    } else {
      EXPECT_EQ(status, 0x80U);
      notes.push_back({static_cast<int>(key), sounding.at(key), ticks / ticks_per_second});
      sounding.erase(key);
    }
  }
  EXPECT_EQ(at, bytes.size());
  EXPECT_TRUE(sounding.empty());
  return notes;
}

std::vector<Note> heard(const AudioBuffer& sound, int rate_hz) {
  const TestFolder folder;
  write_sound(folder / "in.wav", sound, rate_hz);
  output_of(METALAUDIO_EXAMPLE_NOTES " " + kModels + "basic-pitch/nmp.onnx " +
            (folder / "in.wav").string() + " " + (folder / "out.mid").string());
  return read_midi(read_text(folder / "out.mid"));
}

TEST(ExampleNotes, WritesTheNotesOfAMelody) {
  // Longer than three of the model's windows; the last notes are a chord and a bass.
  const std::vector<Note> played{{60, 0.25, 0.75}, {64, 0.75, 1.25}, {67, 1.25, 1.75},
                                 {72, 1.75, 2.75}, {64, 3.0, 3.4},   {67, 3.0, 3.4},
                                 {48, 3.6, 4.8},   {55, 5.0, 5.5}};
  const std::vector<Note> notes = heard(play(played, 6.0, 44100), 44100);
  ASSERT_EQ(notes.size(), played.size());
  for (std::size_t i = 0; i < notes.size(); ++i) {
    EXPECT_EQ(notes[i].key, played[i].key) << i;
    // The model's frames are 12 ms apart, and it hears an end a little late.
    EXPECT_NEAR(notes[i].from_s, played[i].from_s, 0.03) << i;
    EXPECT_NEAR(notes[i].to_s, played[i].to_s, 0.06) << i;
  }
}

TEST(ExampleNotes, HearsNothingInSilence) {
  EXPECT_TRUE(heard(AudioBuffer(1, 1), 8000).empty());
  EXPECT_TRUE(heard(AudioBuffer(1, 100'000), 22050).empty());
}

TEST(ExampleSpeech, PrintsTheSpansThatSilerosOwnProgramFinds) {
  // get_speech_timestamps_from_probs of silero-vad 6.2.3 over ONNX Runtime 1.32.
  const std::string wanted =
      "0.00 2.05\n2.66 4.70\n4.96 6.88\n9.31 13.34\n13.54 15.10\n15.33 15.87\n16.29 17.92\n"
      "18.37 19.61\n20.32 32.61\n32.71 35.61\n35.75 37.63\n37.95 38.94\n39.87 43.29\n"
      "43.62 44.64\n45.03 46.81\n48.83 49.98\n51.07 54.24\n54.47 57.41\n57.51 59.58\n";
  const std::string folder = kModels + "silero-vad/";
  for (const char* model : {"silero_vad_openvino_16k.onnx", "silero_vad_op18_ifless.onnx"}) {
    EXPECT_EQ(output_of(METALAUDIO_EXAMPLE_SPEECH " " + folder + model + " " + folder + "test.wav"),
              wanted);
  }
}

TEST(ExampleSpeech, HearsNoneInMusic) {
  const TestFolder folder;
  write_sound(folder / "in.wav", play({{60, 0.5, 1.5}, {67, 1.5, 3.0}}, 4.0, 44100), 44100);
  EXPECT_EQ(output_of(METALAUDIO_EXAMPLE_SPEECH " " + kModels +
                      "silero-vad/silero_vad_openvino_16k.onnx " + (folder / "in.wav").string()),
            "");
}

}  // namespace
}  // namespace metalaudio
