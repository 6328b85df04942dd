#include <fmt/format.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/models/amp/amp.h>
#include <metalaudio/repository/model_repository.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/commands/file_processing.h"
#include "apps/commands/impulse_response.h"
#include "apps/options/option_values.h"
#include "apps/terminal/console.h"
#include "apps/terminal/failure_text.h"

namespace metalaudio::apps {
namespace {

constexpr double kNormalLoudnessDb = -18.0;
constexpr double kMostGainDb = 200.0;

struct AmpCommandOptions {
  FileProcessingOptions file;
  std::filesystem::path model;
  std::filesystem::path cabinet;
  std::optional<double> input_level_dbu;
  bool normalize = false;
  std::size_t oversampling = 1;
};

models::Amp open_amp(const AmpCommandOptions& options, std::size_t channels, int rate_hz) {
  models::AmpOptions amp;
  amp.channels = channels;
  amp.sample_rate_hz = rate_hz;
  amp.oversampling = options.oversampling;
  try {
    return models::Amp(options.model, amp);
  } catch (const Error& error) {
    throw Error(error.code(), failure_text(options.model.string(), error.what()));
  }
}

/// The cabinet's response at the stream's rate; one channel serves all.
std::unique_ptr<dsp::Convolution> open_cabinet(const AmpCommandOptions& options, int rate_hz,
                                               std::size_t channels, FileProcessing& processing) {
  if (options.cabinet.empty()) return nullptr;
  const audio::Resampled response =
      read_impulse_response(options.cabinet, rate_hz, options.file.allow_truncated);
  if (response.samples.channels() != 1 && response.samples.channels() != channels)
    fail(ErrorCode::unsupported, "{}: {} of response for {}: expected 1 or as many",
         options.cabinet.string(), counted(response.samples.channels(), "channel"), channels);
  processing.lead_frames += static_cast<std::int64_t>(response.lead);
  processing.tail_frames += static_cast<std::int64_t>(response.samples.frames()) - 1;
  dsp::ConvolutionOptions convolution;
  convolution.inputs = channels;
  convolution.outputs = channels;
  convolution.block_samples = 4096;
  try {
    return std::make_unique<dsp::Convolution>(
        dsp::convolution_routes(response.samples, channels, channels), convolution);
  } catch (const Error& error) {
    throw Error(error.code(), failure_text(options.cabinet.string(), error.what()));
  }
}

/// The gain that brings a level that the model has to say to another.
float gain_to(double level_db, std::optional<double> own_db, const AmpCommandOptions& options,
              const char* option, const char* what) {
  if (!own_db)
    fail(ErrorCode::invalid_argument, "{}: {} needs {}, which this model does not say",
         options.model.string(), option, what);
  const double gain_db = level_db - *own_db;
  // Nobody meant more: the sound would be nothing, or beyond all numbers.
  if (std::abs(gain_db) > kMostGainDb)
    fail(ErrorCode::invalid_data, "{}: {} would turn the sound by {:.0f} dB: at most {} either way",
         options.model.string(), option, gain_db, kMostGainDb);
  return static_cast<float>(std::pow(10.0, gain_db / 20.0));
}

int amplify(AmpCommandOptions options) {
  options.model = repository::ModelRepository().find_amp(options.model.string());
  std::vector<std::filesystem::path> inputs{options.model};
  if (!options.cabinet.empty()) inputs.push_back(options.cabinet);
  check_files(options.file, inputs);
  audio::AudioReader reader(options.file.in, {.allow_truncated = options.file.allow_truncated});
  const std::size_t channels = reader.format().channels;
  const int rate_hz = reader.format().sample_rate_hz;
  if (channels > 2)
    fail(ErrorCode::unsupported, "{}: {}: an amp takes 1 or 2", options.file.in.string(),
         counted(channels, "channel"));
  models::Amp amp = open_amp(options, channels, rate_hz);
  float before = 1.0F;
  float after = 1.0F;
  if (options.input_level_dbu)
    before = gain_to(*options.input_level_dbu, amp.input_level_dbu(), options, "--input-level",
                     "its input level");
  if (options.normalize)
    after = gain_to(kNormalLoudnessDb, amp.loudness_db(), options, "--normalize", "its loudness");
  if (amp.controls() > 0)
    Console().line(failure_text(options.model.string(),
                                fmt::format("its {} knob{} at 0", amp.controls(),
                                            amp.controls() == 1 ? " stays" : "s stay")));

  FileProcessing processing;
  processing.out_channels = channels;
  const auto cabinet = open_cabinet(options, rate_hz, channels, processing);
  processing.lead_frames += static_cast<std::int64_t>(amp.latency_samples());
  processing.tail_frames += static_cast<std::int64_t>(amp.latency_samples());
  processing.process = [&](ConstAudioView in, AudioView out) {
    const auto scale = [&](const ConstAudioView& from, float gain) {
      for (std::size_t c = 0; c < channels; ++c)
        std::ranges::transform(from.channel(c), out.channel(c).begin(),
                               [gain](float x) { return gain * x; });
    };
    scale(in, before);
    amp.process(out, out);
    scale(out, after);
    if (cabinet) cabinet->process(out, out);
    if (amp.status() == Trouble::input_replaced)
      fail(ErrorCode::invalid_data, "{}: a sample beyond ±1e30", options.file.in.string());
    if (amp.status() != Trouble::none || (cabinet && cabinet->status() != Trouble::none))
      fail(ErrorCode::invalid_data, "{}: its output is beyond all numbers", options.model.string());
  };
  process_file(reader, processing, options.file);
  return 0;
}

}  // namespace

void add_amp_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "amp", "Play a file through a neural amp: .nam, or the JSON of RTNeural and GuitarML");
  const auto options = std::make_shared<AmpCommandOptions>();
  // Positional arguments are taken in the order in which they are added.
  command
      ->add_option(
          "MODEL", options->model,
          "Model of an amplifier or a pedal: a file, or the name of one that is installed, "
          "such as preamp")
      ->type_name("AMP")
      ->required();
  add_file_processing_options(*command, options->file, "Audio file of any rate, mono or stereo");
  command
      ->add_option("--ir", options->cabinet,
                   "Impulse response of a cabinet, of any rate: one channel, or as many as IN")
      ->type_name("FILE");
  command
      ->add_option_function<std::string>(
          "--input-level",
          [options](const std::string& text) {
            options->input_level_dbu = real_number("--input-level", text, -100.0, 100.0);
          },
          "Level of full scale at the interface's input, to play the model as loud as it "
          "was recorded")
      ->type_name("DBU");
  command->add_flag("--normalize", options->normalize,
                    "Bring the model's loudness, as its file says it, to -18 dB");
  command
      ->add_option("--oversample", options->oversampling,
                   "Run the model at 2, 4 or 8 times the rate, against aliasing")
      ->type_name("1|2|4|8")
      ->check(CLI::IsMember({1, 2, 4, 8}).description(""));
  command->callback([options, &status] { status = amplify(*options); });
}

}  // namespace metalaudio::apps
