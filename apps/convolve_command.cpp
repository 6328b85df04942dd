#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/convolution.h>

#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/console.h"
#include "apps/failure_text.h"
#include "apps/file_processing.h"
#include "apps/interrupt.h"

namespace metalaudio::apps {
namespace {

/// Convolution's own limit: above it the response is not even read into memory.
constexpr std::int64_t kMostFrames = std::int64_t{1} << 26;

struct ConvolveOptions {
  FileProcessingOptions file;
  std::filesystem::path response;
};

/// The whole response at the input's rate. A response of another rate has its samples closer or
/// wider apart: the factor keeps its gain.
audio::Resampled read_response(const std::filesystem::path& path, int sample_rate_hz,
                               bool allow_truncated) {
  audio::TrackOptions options{
      .sample_rate_hz = 0, .channels = 0, .allow_truncated = allow_truncated};
  options.progress = [](double) { throw_if_interrupted(); };
  const audio::TrackSource track(path, options);
  Console console;
  for (const std::string& warning : track.warnings())
    console.line(failure_text(path.string(), "warning: " + warning));
  if (track.frames() > kMostFrames)
    fail(ErrorCode::unsupported, "{}: a response of {} samples: at most {}", path.string(),
         track.frames(), kMostFrames);
  AudioBuffer samples(track.channels(), static_cast<std::size_t>(track.frames()));
  std::vector<float*> pointers;
  for (std::size_t channel = 0; channel < samples.channels(); ++channel)
    pointers.push_back(samples.channel(channel).data());
  track.read(0, samples.frames(), pointers);
  audio::Resampled response =
      audio::resample_whole(samples, track.sample_rate_hz(), sample_rate_hz);
  const auto gain = static_cast<float>(track.sample_rate_hz()) / static_cast<float>(sample_rate_hz);
  for (std::size_t channel = 0; channel < samples.channels() && gain != 1.0F; ++channel)
    for (float& sample : response.samples.channel(channel)) sample *= gain;
  return response;
}

/// One channel serves all, as many as the input's go one to one, and a multiple of them is a row of
/// responses for each channel of the input, as in true stereo.
std::size_t output_channels(const std::filesystem::path& path, std::size_t responses,
                            std::size_t inputs) {
  if (responses == 1 || responses == inputs) return inputs;
  if (responses % inputs == 0) return responses / inputs;
  fail(ErrorCode::unsupported,
       "{}: {} channels of response for {} of input: expected 1, {} or a multiple of it",
       path.string(), responses, inputs, inputs);
}

std::unique_ptr<dsp::Convolution> make_convolution(const std::filesystem::path& path,
                                                   const AudioBuffer& response, std::size_t inputs,
                                                   std::size_t outputs) {
  dsp::ConvolutionOptions options;
  options.inputs = inputs;
  options.outputs = outputs;
  options.block_samples = 4096;
  try {
    return std::make_unique<dsp::Convolution>(dsp::convolution_routes(response, inputs, outputs),
                                              options);
  } catch (const Error& error) {
    throw Error(error.code(), failure_text(path.string(), error.what()));
  }
}

int convolve(const ConvolveOptions& options) {
  audio::AudioReader reader(options.file.in, {.allow_truncated = options.file.allow_truncated});
  const std::size_t inputs = reader.format().channels;
  const audio::Resampled resampled =
      read_response(options.response, reader.format().sample_rate_hz, options.file.allow_truncated);
  const AudioBuffer& response = resampled.samples;
  FileProcessing processing;
  processing.lead_frames = resampled.lead;
  processing.out_channels = output_channels(options.response, response.channels(), inputs);
  processing.tail_frames = static_cast<std::int64_t>(response.frames()) - 1;
  const auto convolution =
      make_convolution(options.response, response, inputs, processing.out_channels);
  processing.process = [&](std::span<const float* const> in, std::span<float* const> out,
                           std::size_t frames) { convolution->process(in, out, frames); };
  process_file(reader, processing, options.file);
  return 0;
}

}  // namespace

void add_convolve_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "convolve", "Convolve a file with an impulse response: the sound of a room, a cabinet");
  const auto options = std::make_shared<ConvolveOptions>();
  // Positional arguments are taken in the order in which they are added.
  add_file_processing_options(*command, options->file);
  command
      ->add_option("IR", options->response,
                   "Impulse response: one channel for all, one for each channel of IN, or a row "
                   "of them for each (true stereo: LL, LR, RL, RR)")
      ->required();
  command->callback([options, &status] { status = convolve(*options); });
}

}  // namespace metalaudio::apps
