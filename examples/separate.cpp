// separate MODEL TRACK FOLDER: writes the stems of a track, of any length, as FOLDER/STEM.wav.
#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/default_threads.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/separation/separator.h>

#include <cstdio>
#include <exception>

using namespace metalaudio;

int main(int argc, char** argv) try {
  if (argc != 4) return std::fputs("usage: separate MODEL TRACK FOLDER\n", stderr), 2;
  const std::filesystem::path folder = argv[3];
  ThreadPool pool(default_threads());
  separation::Separator separator(models::load_model(argv[1], {}, pool));

  const audio::TrackSource track(
      argv[2], {.sample_rate_hz = separator.sample_rate_hz(), .channels = separator.channels()});
  std::vector<audio::AudioWriter> files;
  for (const std::string& stem : separator.sources())
    files.emplace_back(folder / (stem + ".wav"),
                       audio::AudioWriterOptions{.sample_rate_hz = separator.sample_rate_hz(),
                                                 .channels = separator.channels()});
  separator.separate(track, {}, [&](std::int64_t, std::span<const AudioBuffer> stems) {
    for (std::size_t i = 0; i < stems.size(); ++i) files[i].write(stems[i]);
  });
  for (audio::AudioWriter& file : files) file.close();
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
