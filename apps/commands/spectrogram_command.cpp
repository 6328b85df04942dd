#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/run_files.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/pictures/picture.h"
#include "apps/pictures/spectrogram_picture.h"
#include "apps/terminal/console.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/interrupt.h"
#include "apps/terminal/progress_board.h"

namespace metalaudio::apps {
namespace {

struct SpectrogramOptions {
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path out;
  bool allow_truncated = false;
};

std::unique_ptr<audio::TrackSource> read_whole(const std::filesystem::path& path, std::size_t index,
                                               bool allow_truncated, ProgressBoard& board) {
  audio::TrackOptions options{
      .sample_rate_hz = 0, .channels = 0, .allow_truncated = allow_truncated};
  options.progress = [&](double fraction) {
    throw_if_interrupted();
    board.update(index, fraction);
  };
  const audio::AudioFormat format =
      audio::AudioReader(path, {.allow_truncated = allow_truncated}).format();
  const auto frames = static_cast<double>(format.frames.value_or(0));
  board.begin(index, path.filename().string(), frames / format.sample_rate_hz);
  auto track = std::make_unique<audio::TrackSource>(path, options);
  board.end(index);
  return track;
}

void check_files(const SpectrogramOptions& options) {
  check_picture_name("-o", options.out);
  check_panel_count(options.inputs.size());
  separation::RunFiles files;
  for (const std::filesystem::path& input : options.inputs) {
    if (const std::string problem = separation::input_problem(input); !problem.empty())
      fail(ErrorCode::unsupported, "{}: {}", input.string(), problem);
    files.add_input(input);
  }
  files.require("-o", options.out);
}

int draw(const SpectrogramOptions& options) {
  check_files(options);
  Console console;
  std::vector<std::unique_ptr<audio::TrackSource>> tracks;
  std::vector<SpectrogramPanel> panels;
  {
    ProgressBoard board(console, options.inputs.size());
    for (const std::filesystem::path& path : options.inputs) {
      tracks.push_back(read_whole(path, tracks.size(), options.allow_truncated, board));
      for (const std::string& warning : tracks.back()->warnings())
        console.line(failure_text(path.string(), "warning: " + warning));
      panels.push_back({path.filename().string(), tracks.back().get()});
    }
  }
  draw_spectrograms(panels, options.out);
  return 0;
}

}  // namespace

void add_spectrogram_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "spectrogram", "Draw the spectrograms of audio files, below each other, into one PNG file");
  const auto options = std::make_shared<SpectrogramOptions>();
  command->add_option("IN", options->inputs, "Audio files of any rate and number of channels")
      ->type_name("FILE")
      ->required();
  command->add_option("-o,--out", options->out, "The PNG file to write")
      ->type_name("FILE")
      ->required();
  command->add_flag("--allow-truncated", options->allow_truncated,
                    "Take files that end early as far as they go, with a warning");
  command->callback([options, &status] { status = draw(*options); });
}

}  // namespace metalaudio::apps
