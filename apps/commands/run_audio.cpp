#include "apps/commands/run_audio.h"

#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/rate_adapter.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>
#include <vector>

#include "apps/commands/onnx_audio.h"
#include "apps/terminal/failure_text.h"

namespace metalaudio::apps {
namespace {

/// A network of RTNeural or of an amp: all channels together where it takes as many, otherwise
/// once for each; further inputs are 0.
class NetworkAudio final : public AudioModel {
 public:
  NetworkAudio(const models::AmpNetwork& network, std::size_t file_channels)
      : sample_rate_hz_(network.sample_rate_hz()), together_(network.outputs() > 1) {
    if (together_ && network.inputs() > 1 && file_channels > 1 &&
        network.inputs() != file_channels) {
      fail(ErrorCode::unsupported, "the network takes {}, the file has {}",
           counted(network.inputs(), "channel"), file_channels);
    }
    const bool once = together_ && (network.inputs() > 1 || file_channels == 1);
    if (together_ && !once) {
      fail(ErrorCode::unsupported, "the network makes {} of 1, the file has {}",
           counted(network.outputs(), "channel"), file_channels);
    }
    for (std::size_t i = 0; i < (once ? 1 : file_channels); ++i)
      networks_.push_back(network.clone());
    zeros_ = AudioBuffer(network.inputs(), kFrames);
  }

  std::size_t inputs() const noexcept override {
    return together_ ? networks_.front().inputs() : networks_.size();
  }
  std::size_t outputs() const noexcept override {
    return together_ ? networks_.front().outputs() : networks_.size();
  }
  std::size_t block() const noexcept override { return 0; }
  std::optional<double> sample_rate_hz() const noexcept override { return sample_rate_hz_; }

  void process(ConstAudioView in, AudioView out) noexcept override {
    for (std::size_t first = 0; first < in.frames(); first += kFrames) {
      const std::size_t count = std::min(kFrames, in.frames() - first);
      const ConstAudioView from = in.part(first, count);
      const AudioView to = out.part(first, count);
      if (together_) {
        networks_.front().process(from, to);
        continue;
      }
      for (std::size_t i = 0; i < networks_.size(); ++i) {
        std::ranges::copy(from.channel(i), zeros_.channel(0).begin());
        networks_[i].process(zeros_.view().part(0, count), to.some_channels(i, 1));
      }
    }
  }

 private:
  static constexpr std::size_t kFrames = 1024;

  std::optional<double> sample_rate_hz_;
  bool together_;
  std::vector<models::AmpNetwork> networks_;
  AudioBuffer zeros_;  ///< the channel in front of inputs that are 0
};

bool is_finite(const ConstAudioView& audio) noexcept {
  for (std::size_t c = 0; c < audio.channels(); ++c) {
    for (const float sample : audio.channel(c))
      if (!std::isfinite(sample)) return false;
  }
  return true;
}

int stream(const RunOptions& options, audio::AudioReader& reader, AudioModel& model) {
  const double file_rate_hz = reader.format().sample_rate_hz;
  const double rate_hz = options.rate_hz ? static_cast<double>(*options.rate_hz)
                                         : model.sample_rate_hz().value_or(file_rate_hz);
  const std::size_t wide = std::max(model.inputs(), model.outputs());
  bool finite = true;
  dsp::RateAdapter adapter(
      file_rate_hz, rate_hz, {.channels = wide, .block_samples = model.block()},
      [&](ConstAudioView in, AudioView out) {
        model.process(in.some_channels(0, model.inputs()), out.some_channels(0, model.outputs()));
        for (std::size_t c = model.outputs(); c < wide; ++c)
          std::ranges::fill(out.channel(c), 0.0F);
        finite = finite && is_finite(out);
      });
  AudioBuffer samples;
  FileProcessing processing;
  processing.out_channels = model.outputs();
  processing.lead_frames = static_cast<std::int64_t>(adapter.latency_samples());
  processing.tail_frames = processing.lead_frames;
  processing.process = [&](ConstAudioView in, AudioView out) {
    if (samples.frames() < in.frames()) samples = AudioBuffer(wide, in.frames());
    const AudioView work = samples.view().part(0, in.frames());
    for (std::size_t c = 0; c < model.inputs(); ++c)
      std::ranges::copy(in.channel(std::min(c, in.channels() - 1)), work.channel(c).begin());
    for (std::size_t c = model.inputs(); c < wide; ++c) std::ranges::fill(work.channel(c), 0.0F);
    adapter.process(work, work);
    for (std::size_t c = 0; c < out.channels(); ++c)
      std::ranges::copy(work.channel(c), out.channel(c).begin());
    if (!finite)
      fail(ErrorCode::invalid_data, "{}: its output is beyond all numbers", options.model.string());
  };
  process_file(reader, processing, options.file);
  model.print();
  return 0;
}

audio::AudioReader open_audio(const RunOptions& options, const RunValues& values) {
  if (options.file.out.empty()) fail(ErrorCode::invalid_argument, "-o OUT is missing");
  if (options.steps)
    fail(ErrorCode::invalid_argument, "--steps: with audio there are as many as it is long");
  std::vector<std::filesystem::path> inputs = values.files;
  inputs.push_back(options.model);
  check_files(options.file, inputs);
  return audio::AudioReader(options.file.in, {.allow_truncated = options.file.allow_truncated});
}

}  // namespace

int run_audio(const RunOptions& options, const nn::OnnxSummary& summary) {
  RunValues values = read_values(options, summary);
  link_by_name(values, summary, true);
  audio::AudioReader reader = open_audio(options, values);
  OnnxAudio model(options, values, summary, reader.format().channels);
  return stream(options, reader, model);
}

int run_audio(const RunOptions& options, const models::AmpNetwork& network) {
  if (!options.tensors.empty() || !options.bindings.empty())
    fail(ErrorCode::invalid_argument, "--tensor and --bind: this network's input is the audio");
  if (options.block) fail(ErrorCode::invalid_argument, "--block: this network takes any");
  audio::AudioReader reader = open_audio(options, {});
  NetworkAudio model(network, reader.format().channels);
  return stream(options, reader, model);
}

}  // namespace metalaudio::apps
