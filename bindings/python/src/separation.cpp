#include <metalaudio/audio/track_source.h>
#include <metalaudio/audio/view_source.h>
#include <metalaudio/core/default_threads.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/models/open_devices.h>
#include <metalaudio/repository/model_repository.h>
#include <metalaudio/separation/bag.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/separation_stream.h>
#include <metalaudio/separation/stem_plan.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "bindings/python/src/arrays.h"

namespace metalaudio::python {
namespace {

using separation::SegmentEvent;
using separation::SeparationOptions;
using separation::StemPlan;
using Callback = std::optional<nb::object>;

/// Ends the work for a signal that waits (Ctrl-C) by its Python exception.
void check_signals() {
  const nb::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

repository::ModelRepository open_repository(const std::optional<std::filesystem::path>& folder,
                                            const std::string& shipped) {
  return folder ? repository::ModelRepository(*folder)
                : repository::ModelRepository::of_package(shipped);
}

models::OpenDevices open_devices(const std::string& device) {
  try {
    return models::open_devices(device);
  } catch (const Error& error) {
    fail(error.code(), "[Separator] {}", error.what());
  }
}

/// An audio file, decoded once to a model's rate and channels.
class Track {
 public:
  Track(const std::filesystem::path& path, int sample_rate_hz, std::size_t channels) {
    const nb::gil_scoped_release release;
    audio::TrackOptions options;
    options.sample_rate_hz = sample_rate_hz;
    options.channels = channels;
    options.progress = [](double) { check_signals(); };
    source_ = std::make_shared<audio::TrackSource>(path, options);
  }

  std::int64_t frames() const { return source_->frames(); }
  std::size_t channels() const { return source_->channels(); }
  int sample_rate_hz() const { return source_->sample_rate_hz(); }
  std::vector<std::string> warnings() const { return source_->warnings(); }
  std::shared_ptr<const audio::AudioSource> source() const { return source_; }
  void read(std::int64_t first_frame, const ChannelsOut& out) const {
    const AudioView view = view_of(out);
    const nb::gil_scoped_release release;
    source_->read(first_frame, view);
  }

 private:
  std::shared_ptr<audio::TrackSource> source_;
};

/// What a caller may choose for one separation.
struct Settings {
  int shifts = 1;
  std::uint64_t seed = 0;
  std::vector<std::int64_t> shift_offsets;
  bool split = true;
  double overlap = 0.25;
  std::optional<double> segment;
};

/// The model or bag, and the threads that it runs on.
class Network {
 public:
  Network(const std::optional<std::filesystem::path>& model,
          const std::optional<std::filesystem::path>& repo, const std::string& shipped,
          const std::string& device, const std::string& precision, std::size_t threads,
          const std::vector<std::string>& stems) {
    models::ModelOptions options;
    options.precision = choose("precision", precision,
                               {std::pair{"fp32", models::Precision::fp32},
                                {"tf32", models::Precision::tf32},
                                {"fp16", models::Precision::fp16},
                                {"bf16", models::Precision::bf16},
                                {"auto", models::Precision::automatic}});
    const nb::gil_scoped_release release;
    models::OpenDevices devices = open_devices(device);
    options.devices = std::move(devices.gpus);
    device_ = std::move(devices.text);
    const auto repository = open_repository(repo, shipped);
    const auto bag = repository.find(model ? model->string() : repository.default_model());
    name_ = bag.name;
    models_ = bag.models.size();
    const models::ModelInfo info = models::inspect_model(bag.models.front());
    segment_seconds_ = bag.segment.value_or(info.segment_seconds);
    pool_ = std::make_unique<ThreadPool>(threads == 0 ? default_threads() : threads);
    separator_.emplace(
        separation::load_separator({bag.models, bag.weights, bag.segment}, stems, options, *pool_));
  }

  const std::string& name() const { return name_; }
  const std::string& device() const { return device_; }
  std::size_t models() const { return models_; }
  double segment_seconds() const { return segment_seconds_; }
  const std::vector<std::string>& sources() const { return separator_->sources(); }
  int sample_rate_hz() const { return separator_->sample_rate_hz(); }
  std::size_t channels() const { return separator_->channels(); }
  separation::Separator& separator() { return *separator_; }
  std::recursive_mutex& mutex() { return mutex_; }

 private:
  std::string name_;
  std::string device_;
  std::size_t models_ = 0;
  double segment_seconds_ = 0.0;
  std::recursive_mutex mutex_;
  std::unique_ptr<ThreadPool> pool_;  // outlives what computes on it
  std::optional<separation::Separator> separator_;
};

StemPlan plan_of(const Network& network, const std::vector<std::string>& stems,
                 const std::string& two_stems) {
  return separation::plan_stems({stems, two_stems, separation::OtherMethod::add},
                                network.sources());
}

std::vector<std::string> names_of(const StemPlan& plan) {
  std::vector<std::string> names;
  for (const auto& output : plan.outputs) names.push_back(output.name);
  return names;
}

SeparationOptions options_of(const Settings& settings, const StemPlan& plan,
                             const std::vector<std::string>& sources) {
  SeparationOptions options;
  options.shifts = settings.shifts;
  options.seed = settings.seed;
  options.shift_offsets = settings.shift_offsets;
  options.split = settings.split;
  options.overlap = settings.overlap;
  options.segment_seconds = settings.segment;
  for (const std::size_t source : plan.needed_sources) options.stems.push_back(sources[source]);
  return options;
}

/// Adds up a block of an output from the sources that were computed.
void mix_output(const StemPlan& plan, const separation::StemOutput& output,
                std::span<const AudioBuffer> sources, AudioView out) {
  for (std::size_t channel = 0; channel < out.channels(); ++channel) {
    const std::span<float> to = out.channel(channel);
    bool first = true;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const float weight = output.source_weights[plan.needed_sources[i]];
      if (weight == 0.0F) continue;
      const std::span<const float> from = sources[i].channel(channel);
      for (std::size_t n = 0; n < to.size(); ++n) to[n] = (first ? 0.0F : to[n]) + weight * from[n];
      first = false;
    }
  }
}

/// Tells Python about each segment, and lets it be interrupted there.
auto segment_caller(const Callback& callback) {
  return [&callback](const SegmentEvent& event) {
    check_signals();
    if (!callback) return;
    const nb::gil_scoped_acquire acquire;
    (*callback)(event.member, event.shift, event.offset, event.ended);
  };
}

void separate(Network& network, const audio::AudioSource& source, const Settings& settings,
              const StemPlan& plan, const std::vector<AudioView>& outputs,
              const Callback& callback) {
  const Released released(network.mutex());
  separation::SeparationControl control;
  control.segment = segment_caller(callback);
  const auto keep = [&](std::int64_t first_frame, std::span<const AudioBuffer> blocks) {
    const std::size_t frames = blocks.empty() ? 0 : blocks.front().frames();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      mix_output(plan, plan.outputs[i], blocks,
                 outputs[i].part(static_cast<std::size_t>(first_frame), frames));
  };
  network.separator().separate(source, options_of(settings, plan, network.sources()), keep,
                               control);
}

void separate_array(Network& network, const Channels& mix, const std::vector<ChannelsOut>& outputs,
                    const std::vector<std::string>& stems, const std::string& two_stems,
                    const Settings& settings, const Callback& callback) {
  const StemPlan plan = plan_of(network, stems, two_stems);
  if (outputs.size() != plan.outputs.size())
    fail(ErrorCode::invalid_argument, "[Separator] {} outputs: expected {}", outputs.size(),
         plan.outputs.size());
  std::vector<AudioView> views;
  for (const ChannelsOut& output : outputs) {
    views.push_back(view_of(output));
    if (output.shape(0) != mix.shape(0) || output.shape(1) != mix.shape(1))
      fail(ErrorCode::invalid_argument, "[Separator] an output of [{}, {}]: expected [{}, {}]",
           output.shape(0), output.shape(1), mix.shape(0), mix.shape(1));
  }
  const audio::ViewSource source(view_of(mix), network.sample_rate_hz());
  separate(network, source, settings, plan, views, callback);
}

/// Blocks of stems one after the other, of a track that is read bit by bit.
class Stream {
 public:
  Stream(std::shared_ptr<Network> network, std::shared_ptr<const audio::AudioSource> source,
         nb::object keep, const std::vector<std::string>& stems, const std::string& two_stems,
         const Settings& settings, Callback callback)
      : network_(std::move(network)),
        source_(std::move(source)),
        keep_(std::move(keep)),
        plan_(plan_of(*network_, stems, two_stems)),
        callback_(std::move(callback)),
        block_(network_->channels(), kReadFrames) {
    if (source_->channels() != network_->channels())
      fail(ErrorCode::invalid_argument, "[Separator] {} channels: expected {}", source_->channels(),
           network_->channels());
    if (source_->frames() == 0) fail(ErrorCode::invalid_data, "[Separator] the audio is empty");
    const nb::gil_scoped_release release;
    separation::StreamOptions stream;
    stream.level = separation::measure_level(*source_, {});
    stream.segment = segment_caller(callback_);
    stream_.emplace(
        network_->separator(), options_of(settings, plan_, network_->sources()), stream,
        [this](std::int64_t first, std::span<const AudioBuffer> blocks) { add(first, blocks); });
  }

  std::vector<std::string> names() const { return names_of(plan_); }

  /// The next block and its first frame; none at the end.
  std::optional<std::pair<std::int64_t, nb::list>> next() {
    {
      const Released released(network_->mutex());
      while (ready_at_ == ready_.size() && !finished_) advance();
    }
    if (ready_at_ == ready_.size()) return std::nullopt;
    Block block = std::move(ready_[ready_at_++]);
    nb::list stems;
    for (AudioBuffer& samples : block.stems) {
      auto owned = std::make_unique<AudioBuffer>(std::move(samples));
      float* const data = owned->view().channel(0).data();
      const std::size_t shape[] = {owned->channels(), owned->frames()};
      const nb::capsule owner(owned.release(),
                              [](void* p) noexcept { delete static_cast<AudioBuffer*>(p); });
      stems.append(nb::cast(nb::ndarray<nb::numpy, float>(data, 2, shape, owner)));
    }
    return std::pair{block.first_frame, stems};
  }

 private:
  static constexpr std::size_t kReadFrames = 1 << 16;
  struct Block {
    std::int64_t first_frame = 0;
    std::vector<AudioBuffer> stems;
  };

  void advance() {
    ready_.clear();
    ready_at_ = 0;
    const auto frames = static_cast<std::size_t>(
        std::min<std::int64_t>(kReadFrames, source_->frames() - position_));
    if (frames == 0) {
      finished_ = true;
      stream_->finish();
      return;
    }
    const AudioView part = block_.view().part(0, frames);
    source_->read(position_, part);
    position_ += static_cast<std::int64_t>(frames);
    stream_->push(part);
  }

  void add(std::int64_t first_frame, std::span<const AudioBuffer> blocks) {
    Block& block = ready_.emplace_back(Block{first_frame, {}});
    for (const separation::StemOutput& output : plan_.outputs)
      mix_output(plan_, output, blocks,
                 block.stems.emplace_back(block_.channels(), blocks.front().frames()));
  }

  std::shared_ptr<Network> network_;
  std::shared_ptr<const audio::AudioSource> source_;
  nb::object keep_;  // what owns the samples of the source
  StemPlan plan_;
  Callback callback_;
  AudioBuffer block_;
  std::optional<separation::SeparationStream> stream_;
  std::vector<Block> ready_;
  std::size_t ready_at_ = 0;
  std::int64_t position_ = 0;
  bool finished_ = false;
};

std::shared_ptr<Stream> stream_array(std::shared_ptr<Network> network, nb::object mix,
                                     const std::vector<std::string>& stems,
                                     const std::string& two_stems, const Settings& settings,
                                     Callback callback) {
  auto source = std::make_shared<audio::ViewSource>(view_of(nb::cast<Channels>(mix)),
                                                    network->sample_rate_hz());
  return std::make_shared<Stream>(std::move(network), std::move(source), std::move(mix), stems,
                                  two_stems, settings, std::move(callback));
}

std::shared_ptr<Stream> stream_track(std::shared_ptr<Network> network, const Track& track,
                                     const std::vector<std::string>& stems,
                                     const std::string& two_stems, const Settings& settings,
                                     Callback callback) {
  return std::make_shared<Stream>(std::move(network), track.source(), nb::none(), stems, two_stems,
                                  settings, std::move(callback));
}

}  // namespace

void bind_separation(nb::module_& module) {
  nb::class_<Settings>(module, "Settings")
      .def(nb::init<>())
      .def_rw("shifts", &Settings::shifts)
      .def_rw("seed", &Settings::seed)
      .def_rw("shift_offsets", &Settings::shift_offsets)
      .def_rw("split", &Settings::split)
      .def_rw("overlap", &Settings::overlap)
      .def_rw("segment", &Settings::segment, nb::arg().none());
  nb::class_<Track>(module, "Track")
      .def(nb::init<const std::filesystem::path&, int, std::size_t>(), nb::arg("path"),
           nb::arg("sample_rate_hz"), nb::arg("channels"))
      .def_prop_ro("frames", &Track::frames)
      .def_prop_ro("channels", &Track::channels)
      .def_prop_ro("sample_rate_hz", &Track::sample_rate_hz)
      .def_prop_ro("warnings", &Track::warnings)
      .def("read", &Track::read, nb::arg("first_frame"), nb::arg("out").noconvert());
  nb::class_<Network>(module, "Network")
      .def(nb::init<const std::optional<std::filesystem::path>&,
                    const std::optional<std::filesystem::path>&, const std::string&,
                    const std::string&, const std::string&, std::size_t,
                    const std::vector<std::string>&>(),
           nb::arg("model").none(), nb::arg("repo").none(), nb::arg("shipped"), nb::arg("device"),
           nb::arg("precision"), nb::arg("threads"), nb::arg("stems"))
      // That of a file need not be UTF-8.
      .def_prop_ro("name",
                   [](const Network& network) {
                     return nb::steal<nb::str>(PyUnicode_DecodeFSDefault(network.name().c_str()));
                   })
      .def_prop_ro("device", &Network::device)
      .def_prop_ro("models", &Network::models)
      .def_prop_ro("segment_seconds", &Network::segment_seconds)
      .def_prop_ro("sources", &Network::sources)
      .def_prop_ro("sample_rate_hz", &Network::sample_rate_hz)
      .def_prop_ro("channels", &Network::channels)
      .def(
          "outputs",
          [](const Network& network, const std::vector<std::string>& stems,
             const std::string& two_stems) { return names_of(plan_of(network, stems, two_stems)); },
          nb::arg("stems"), nb::arg("two_stems"))
      .def("separate", &separate_array, nb::arg("mix").noconvert(), nb::arg("outputs").noconvert(),
           nb::arg("stems"), nb::arg("two_stems"), nb::arg("settings"), nb::arg("callback").none());
  nb::class_<Stream>(module, "Stream")
      .def(nb::new_(&stream_track), nb::arg("network"), nb::arg("track"), nb::arg("stems"),
           nb::arg("two_stems"), nb::arg("settings"), nb::arg("callback").none())
      .def(nb::new_(&stream_array), nb::arg("network"), nb::arg("mix").noconvert(),
           nb::arg("stems"), nb::arg("two_stems"), nb::arg("settings"), nb::arg("callback").none())
      .def_prop_ro("names", &Stream::names)
      .def("next", &Stream::next);
}

}  // namespace metalaudio::python
