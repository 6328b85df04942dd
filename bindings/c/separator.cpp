#include <dlfcn.h>
#include <metalaudio/audio/view_source.h>
#include <metalaudio/core/default_threads.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/open_devices.h>
#include <metalaudio/repository/model_repository.h>
#include <metalaudio/separation/bag.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/c/guard.h"

namespace {

using namespace metalaudio;
using c::guarded;
using c::need;

/// The models that are installed with this library, wherever it lies.
std::filesystem::path shipped_models() {
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&metalaudio_version), &self) == 0) return {};
  std::error_code ignored;
  const auto library = std::filesystem::canonical(self.dli_fname, ignored);
  return (library.parent_path() / METALAUDIO_MODELS_FROM_LIBRARY).lexically_normal();
}

/// Options of a caller that may know fewer of them than this library.
template <typename Options>
Options known_options(const Options* given, const Options& defaults, const char* function) {
  Options options = defaults;
  if (given == nullptr) return options;
  if (given->struct_size < sizeof(std::size_t) || given->struct_size > 4096)
    fail(ErrorCode::invalid_argument, "[{}] options of {} bytes: begin with METALAUDIO_*_OPTIONS",
         function, given->struct_size);
  std::copy_n(reinterpret_cast<const unsigned char*>(given),
              std::min(given->struct_size, sizeof(options)),
              reinterpret_cast<unsigned char*>(&options));
  return options;
}

models::OpenDevices open_devices(const char* device, const char* function) {
  try {
    return models::open_devices(device == nullptr ? "cpu" : device);
  } catch (const Error& error) {
    fail(error.code(), "[{}] {}", function, error.what());
  }
}

}  // namespace

struct metalaudio_separator {
  explicit metalaudio_separator(std::size_t threads) : pool(threads) {}

  ThreadPool pool;
  std::string device = {};
  std::optional<separation::Separator> separator = {};
};

metalaudio_status metalaudio_separator_load(const char* model,
                                            const metalaudio_load_options* options,
                                            metalaudio_separator** separator) {
  return guarded([&] {
    const char* const name = "metalaudio_separator_load";
    need(separator, name, "separator") = nullptr;
    const auto chosen = known_options(options, METALAUDIO_LOAD_OPTIONS, name);
    constexpr std::size_t kMostThreads = 1024;
    if (chosen.threads > kMostThreads)
      fail(ErrorCode::invalid_argument, "[{}] {} threads: at most {}", name, chosen.threads,
           kMostThreads);
    const auto repository = chosen.folder != nullptr
                                ? repository::ModelRepository(chosen.folder)
                                : repository::ModelRepository::of_package(shipped_models());
    const auto bag = repository.find(model != nullptr ? model : repository.default_model());
    models::ModelOptions model_options;
    model_options.precision = c::precision_of(chosen.precision, name);
    models::OpenDevices devices = open_devices(chosen.device, name);
    model_options.devices = std::move(devices.gpus);
    auto made = std::make_unique<metalaudio_separator>(chosen.threads == 0 ? default_threads()
                                                                           : chosen.threads);
    made->device = std::move(devices.text);
    made->separator.emplace(separation::load_separator({bag.models, bag.weights, bag.segment}, {},
                                                       model_options, made->pool));
    *separator = made.release();
  });
}

void metalaudio_separator_free(metalaudio_separator* separator) { delete separator; }

int metalaudio_separator_sample_rate_hz(const metalaudio_separator* separator) {
  return separator == nullptr ? 0 : separator->separator->sample_rate_hz();
}

size_t metalaudio_separator_channels(const metalaudio_separator* separator) {
  return separator == nullptr ? 0 : separator->separator->channels();
}

const char* metalaudio_separator_device(const metalaudio_separator* separator) {
  return separator == nullptr ? "" : separator->device.c_str();
}

size_t metalaudio_separator_stems(const metalaudio_separator* separator) {
  return separator == nullptr ? 0 : separator->separator->sources().size();
}

const char* metalaudio_separator_stem_name(const metalaudio_separator* separator, size_t stem) {
  if (separator == nullptr || stem >= separator->separator->sources().size()) return nullptr;
  return separator->separator->sources()[stem].c_str();
}

metalaudio_status metalaudio_separator_separate(metalaudio_separator* separator,
                                                const float* const* mix, size_t channels,
                                                size_t frames, float* const* stems,
                                                size_t stem_channels,
                                                const metalaudio_separation_options* options,
                                                metalaudio_progress progress, void* user) {
  return guarded([&] {
    const char* const name = "metalaudio_separator_separate";
    separation::Separator& network = *need(separator, name, "separator").separator;
    c::need_count(channels, network.channels(), name, "channels");
    c::need_channels(mix, channels, frames, name, "mix");
    need(stems, name, "stems");
    const std::vector<std::string>& sources = network.sources();
    c::need_count(stem_channels, sources.size() * channels, name, "pointers to stems");

    const auto chosen = known_options(options, METALAUDIO_SEPARATION_OPTIONS, name);
    separation::SeparationOptions separation;
    separation.shifts = chosen.shifts;
    separation.seed = chosen.seed;
    separation.overlap = chosen.overlap;
    if (chosen.segment_seconds != 0.0) separation.segment_seconds = chosen.segment_seconds;
    std::vector<float* const*> wanted;
    for (std::size_t stem = 0; stem < sources.size(); ++stem) {
      float* const* const rows = stems + stem * channels;
      const auto missing = std::count(rows, rows + channels, nullptr);
      if (missing == 0) {
        separation.stems.push_back(sources[stem]);
        wanted.push_back(rows);
      } else if (missing != static_cast<std::ptrdiff_t>(channels)) {
        fail(ErrorCode::invalid_argument, "[{}] {} of {} channels of {} are NULL", name, missing,
             channels, sources[stem]);
      }
    }
    if (wanted.empty()) fail(ErrorCode::invalid_argument, "[{}] no stem is asked for", name);

    separation::SeparationControl control;
    control.progress = [&](std::size_t done, std::size_t total) {
      if (progress != nullptr && progress(user, done, total) != 0)
        fail(ErrorCode::cancelled, "[{}] cancelled after {} of {} segments", name, done, total);
    };
    const audio::ViewSource source(ConstAudioView(mix, channels, frames), network.sample_rate_hz());
    const auto keep = [&](std::int64_t first_frame, std::span<const AudioBuffer> blocks) {
      for (std::size_t stem = 0; stem < blocks.size(); ++stem)
        for (std::size_t channel = 0; channel < channels; ++channel)
          std::ranges::copy(blocks[stem].channel(channel), wanted[stem][channel] + first_frame);
    };
    network.separate(source, separation, keep, control);
  });
}
