#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/convolution.h>

#include <memory>

#include "apps/commands/commands.h"
#include "apps/commands/file_processing.h"
#include "apps/commands/impulse_response.h"
#include "apps/terminal/failure_text.h"

namespace metalaudio::apps {
namespace {

struct ConvolveOptions {
  FileProcessingOptions file;
  std::filesystem::path response;
};

/// One channel serves all, as many as the input's go one to one, and a multiple of them is a row of
/// responses for each channel of the input, as in true stereo.
std::size_t output_channels(const std::filesystem::path& path, std::size_t responses,
                            std::size_t inputs) {
  if (responses == 1 || responses == inputs) return inputs;
  if (responses % inputs == 0) return responses / inputs;
  fail(ErrorCode::unsupported,
       "{}: {} of response for {} of input: expected 1, {} or a multiple of it", path.string(),
       counted(responses, "channel"), inputs, inputs);
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
  check_files(options.file, {options.response});
  audio::AudioReader reader(options.file.in, {.allow_truncated = options.file.allow_truncated});
  const std::size_t inputs = reader.format().channels;
  const audio::Resampled response = read_impulse_response(
      options.response, reader.format().sample_rate_hz, options.file.allow_truncated);
  FileProcessing processing;
  processing.out_channels = output_channels(options.response, response.samples.channels(), inputs);
  processing.lead_frames = static_cast<std::int64_t>(response.lead);
  processing.tail_frames = static_cast<std::int64_t>(response.samples.frames()) - 1;
  const auto convolution =
      make_convolution(options.response, response.samples, inputs, processing.out_channels);
  processing.process = [&](ConstAudioView in, AudioView out) {
    convolution->process(in, out);
    if (convolution->status() != Trouble::none)
      fail(ErrorCode::invalid_data, "{}: a sample beyond ±1e30", options.file.in.string());
  };
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
      ->type_name("FILE")
      ->required();
  command->callback([options, &status] { status = convolve(*options); });
}

}  // namespace metalaudio::apps
