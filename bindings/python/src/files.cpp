#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/repository/known_models.h>
#include <metalaudio/repository/model_repository.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings/python/src/arrays.h"

namespace metalaudio::python {
namespace {

void write_audio(const std::filesystem::path& path, const Channels& samples, int sample_rate_hz,
                 const std::string& format, int bitrate_kbps, int preset, float gain,
                 const std::string& clip) {
  audio::AudioWriterOptions options;
  options.sample_rate_hz = sample_rate_hz;
  options.channels = samples.shape(0);
  options.sample_format = choose("sample format", format,
                                 {std::pair{"pcm16", audio::SampleFormat::pcm16},
                                  {"pcm24", audio::SampleFormat::pcm24},
                                  {"float32", audio::SampleFormat::float32}});
  // The default is MP3's: other codecs have their own.
  if (bitrate_kbps != options.mp3_bitrate_kbps) options.bitrate_kbps = bitrate_kbps;
  options.mp3_bitrate_kbps = bitrate_kbps;
  options.mp3_preset = preset;
  options.expected_frames = static_cast<std::int64_t>(samples.shape(1));
  const auto type = audio::file_type_of(path);
  if (!type)
    fail(ErrorCode::invalid_argument, "[save_audio] {}: the name must end in {}", path.string(),
         audio::kFileEndings);
  options.type = *type;
  const ConstAudioView view = view_of(samples);
  const nb::gil_scoped_release release;
  audio::AudioWriter writer(path, options);
  constexpr std::size_t kBlock = 1 << 16;
  AudioBuffer block(view.channels(), std::min(kBlock, view.frames()));
  for (std::size_t first = 0; first < view.frames(); first += kBlock) {
    const std::size_t frames = std::min(kBlock, view.frames() - first);
    for (std::size_t channel = 0; channel < view.channels(); ++channel) {
      const std::span<const float> from = view.channel(channel).subspan(first, frames);
      std::transform(from.begin(), from.end(), block.channel(channel).begin(), [&](float x) {
        if (clip == "clamp") return std::clamp(x, -0.99F, 0.99F);
        return clip == "tanh" ? std::tanh(x) : x * gain;
      });
    }
    writer.write(block.view().part(0, frames));
  }
  writer.close();
}

std::vector<std::string> installed_models(const std::optional<std::filesystem::path>& folder,
                                          const std::string& shipped) {
  return folder ? repository::ModelRepository(*folder).list()
                : repository::ModelRepository::of_package(shipped).list();
}

/// The published bags, which have names, and the signatures of their models.
std::vector<std::string> published_bags() {
  std::vector<std::string> names;
  for (const repository::KnownModel& model : repository::known_models())
    if (model.unsupported.empty()) names.push_back(model.name);
  return names;
}

}  // namespace

void bind_files(nb::module_& module) {
  module.def("write_audio", &write_audio, nb::arg("path"), nb::arg("samples").noconvert(),
             nb::arg("sample_rate_hz"), nb::arg("format"), nb::arg("bitrate_kbps"),
             nb::arg("preset"), nb::arg("gain"), nb::arg("clip"));
  module.def("installed_models", &installed_models, nb::arg("folder").none(), nb::arg("shipped"));
  module.def("published_bags", &published_bags);
}

}  // namespace metalaudio::python
