#include "apps/commands/separation_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/separation/output_folders.h>
#include <metalaudio/separation/output_levels.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "apps/commands/commands.h"
#include "apps/options/output_format.h"
#include "apps/pictures/spectrogram_picture.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/figure_text.h"
#include "apps/terminal/interrupt.h"
#include "apps/terminal/peak_memory.h"
#include "apps/terminal/progress_board.h"

namespace metalaudio::apps {
namespace {

/// Another process takes seconds at least for a track.
constexpr std::chrono::milliseconds kBetweenLooks{200};

using Clock = std::chrono::steady_clock;

std::string dump(const nlohmann::json& json) {
  // File names may hold bytes that are not UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

separation::TrackSeparationOptions track_options(const SeparateOptions& options) {
  separation::TrackSeparationOptions result;
  result.separation.shifts = options.shifts;
  result.separation.seed = options.seed;
  result.separation.shift_offsets = options.shift_offsets;
  result.separation.split = options.split;
  result.separation.overlap = options.overlap;
  result.separation.segment_seconds = options.segment_seconds;
  result.downmix = options.downmix;
  result.allow_truncated = options.allow_truncated;
  result.writer = writer_options(options.format);
  result.keep_rate = options.keep_rate;
  result.clip_mode = options.clip_mode;
  result.common_gain = options.sum_safe || options.exact_sum;
  result.exact_sum = options.exact_sum;
  return result;
}

std::string utc_text(std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string figures(double audio_seconds, double seconds) {
  return fmt::format("{} of audio in {:.1f} s, {} x real time, peak memory {}",
                     clock_text(audio_seconds), seconds, speed_text(audio_seconds / seconds),
                     memory_text(peak_memory_bytes()));
}

}  // namespace

/// What the workers have in common while run() lasts.
struct SeparationRun::Shared {
  Shared(Console& console, std::size_t tracks) : board(console, tracks) {}

  ProgressBoard board;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  /// The next track; those that others work on come last, and again.
  std::optional<std::size_t> take(std::size_t tracks) {
    if (const std::size_t index = next++; index < tracks) return index;
    const std::lock_guard lock(mutex);
    if (busy.empty()) return std::nullopt;
    const std::size_t index = busy.front();
    busy.erase(busy.begin());
    return index;
  }

  ThreadPool& pool_of(std::size_t threads) {
    const std::lock_guard lock(loading);
    return *pools.emplace_back(std::make_unique<ThreadPool>(threads));
  }

  /// Of all workers, the first loads; the others share its weights where the models can.
  template <typename Load>
  separation::Separator& separator_on(ThreadPool& pool, Load load_one) {
    const std::lock_guard lock(loading);
    std::optional<separation::Separator> made;
    if (!separators.empty()) made = separators.front()->clone(pool);
    if (!made) made.emplace(load_one());
    return *separators.emplace_back(std::make_unique<separation::Separator>(std::move(*made)));
  }

  std::mutex loading;
  std::vector<std::unique_ptr<ThreadPool>> pools{};                  // guarded by loading
  std::vector<std::unique_ptr<separation::Separator>> separators{};  // guarded by loading
  std::mutex mutex;
  std::vector<std::size_t> busy{};  // guarded by mutex; other processes' for the time being
  std::size_t done = 0;             // guarded by mutex
  std::size_t left = 0;             // guarded by mutex; as they were
  double audio_seconds = 0.0;       // guarded by mutex
  std::exception_ptr exception{};   // guarded by mutex; ends the whole run
};

SeparationRun::SeparationRun(const SeparateOptions& options, const ModelChoice& model,
                             const models::OpenDevices& devices, const separation::StemPlan& plan,
                             std::vector<PlannedTrack> tracks, Console& console)
    : options_(options),
      model_(model),
      devices_(devices),
      plan_(plan),
      tracks_(std::move(tracks)),
      console_(console),
      recipe_(run_recipe(options, model, devices)) {
  for (PlannedTrack& track : tracks_) track.known_record = record_stamp(recipe_, track.job);
  if (!options.batch.manifest.empty() && !options.batch.dry_run)
    manifest_ = std::make_unique<Manifest>(options.batch.manifest);
}

int SeparationRun::run() {
  const Clock::time_point start = Clock::now();
  const std::size_t threads =
      options_.threads > 0 ? options_.threads : HardwareProfile::detect().usable_cores;
  const Sharing sharing = share_threads(options_.jobs, tracks_.size(), threads);
  console_.detail(fmt::format("{} threads, {} tracks at a time", threads, sharing.workers));
  Shared shared(console_, tracks_.size());
  std::vector<std::thread> workers;
  for (std::size_t i = 1; i < sharing.workers; ++i)
    workers.emplace_back([&] { work(shared, sharing.threads_each); });
  work(shared, sharing.threads_each);
  for (std::thread& worker : workers) worker.join();
  if (shared.exception) std::rethrow_exception(shared.exception);
  report_all(shared, std::chrono::duration<double>(Clock::now() - start).count());
  return shared.done + shared.left == tracks_.size() ? 0 : kFailed;
}

void SeparationRun::work(Shared& shared, std::size_t threads) {
  try {
    ThreadPool& pool = shared.pool_of(threads);
    separation::Separator* separator = nullptr;
    const auto load = [&]() -> separation::Separator& {
      if (separator == nullptr)
        separator = &shared.separator_on(pool, [&] { return load_separator(pool); });
      return *separator;
    };
    while (!shared.stop) {
      const std::optional<std::size_t> index = shared.take(tracks_.size());
      if (!index) return;
      settle(shared, *index, load);
    }
  } catch (...) {
    const std::lock_guard lock(shared.mutex);
    if (!shared.exception) shared.exception = std::current_exception();
    shared.stop = true;
  }
}

separation::Separator SeparationRun::load_separator(ThreadPool& pool) const {
  std::vector<std::string> stems;
  for (const std::size_t index : plan_.needed_sources) stems.push_back(model_.sources[index]);
  return separation::load_separator(bag_files(model_), stems, model_options(), pool);
}

models::ModelOptions SeparationRun::model_options() const {
  models::ModelOptions options;
  options.precision = options_.precision;
  options.tolerances = ToleranceConfiguration::load();
  options.mode = options_.mode;
  options.devices = devices_.gpus;
  options.notice = [this](const std::string& line) { console_.line(failure_text("", line)); };
  return options;
}

/// What becomes of one track. One that another process works on goes to the end of the queue: that
/// process will have made it by then, or have died.
void SeparationRun::settle(Shared& shared, std::size_t index, const LoadSeparator& load) {
  const PlannedTrack& track = tracks_[index];
  const auto leave = [&](const char* status, const std::string& reason) {
    shared.board.end(index);
    report_left(track.job, status, reason);
    const std::lock_guard lock(shared.mutex);
    ++shared.left;
  };
  std::unique_ptr<TrackTurn> turn;
  std::string refusal = track.refusal;
  try {
    throw_if_interrupted();
    if (refusal.empty() && !track.keep)
      turn = std::make_unique<TrackTurn>(recipe_, track, plan_, options_.batch.dry_run);
  } catch (const std::exception& error) {
    if (interrupt_signal() != 0) throw;
    refusal = error.what();
  }
  if (!refusal.empty()) {
    shared.board.end(index);
    return report_failure(track.job, refusal);
  }
  if (track.keep) return leave("skipped", "its stems were to be kept");
  if (turn->kind() == TrackTurn::Kind::skip) return leave("skipped", turn->reason());
  if (turn->kind() == TrackTurn::Kind::busy) return put_off(shared, index);
  if (options_.batch.dry_run) return leave("planned", "");
  if (turn->taken_over()) console_.detail(track.job.label + ": goes on for a process that ended");
  separate(shared, index, *turn, load());
}

void SeparationRun::put_off(Shared& shared, std::size_t index) {
  {
    const std::lock_guard lock(shared.mutex);
    shared.busy.push_back(index);
  }
  if (shared.next < tracks_.size()) return;
  shared.board.other_work(index, tracks_[index].job.label, "waiting for another process", 0.0);
  std::this_thread::sleep_for(kBetweenLooks);
}

void SeparationRun::separate(Shared& shared, std::size_t index, TrackTurn& turn,
                             separation::Separator& separator) {
  const PlannedTrack& track = tracks_[index];
  std::optional<separation::TrackReport> report;
  std::string reason;
  try {
    report = separate_track(track.job, separator, control_of(shared, index));
  } catch (const std::exception& error) {
    if (interrupt_signal() != 0) throw;
    reason = error.what();
  }
  shared.board.end(index);
  if (!report) return report_failure(track.job, reason);
  try {
    turn.finish();
  } catch (const Error& error) {
    report->warnings.push_back(fmt::format("no record of how it was made: {}", error.what()));
  }
  report_success(track.job, *report);
  const std::lock_guard lock(shared.mutex);
  ++shared.done;
  shared.audio_seconds += report->audio_seconds;
}

/// Its functions end the separation by what they throw after a signal.
separation::TrackControl SeparationRun::control_of(Shared& shared, std::size_t index) const {
  const std::string& label = tracks_[index].job.label;
  return {[&shared, index, &label](const char* activity, double fraction) {
            throw_if_interrupted();
            shared.board.other_work(index, label, activity, fraction);
          },
          [this, &shared, index, &label](double audio_seconds) {
            shared.board.begin(index, label, audio_seconds);
            tell_event(label, {{"event", "begin"}, {"audio_seconds", audio_seconds}});
          },
          [this, &shared, index, &label](double fraction) {
            throw_if_interrupted();
            shared.board.update(index, fraction);
            tell_event(label, {{"event", "progress"}, {"fraction", fraction}});
          },
          {}};
}

separation::TrackReport SeparationRun::separate_track(
    const TrackJob& job, separation::Separator& separator,
    const separation::TrackControl& control) const {
  separation::TrackSeparationOptions options = track_options(options_);
  separation::OutputFolders folders;
  if (!job.picture.empty()) {
    folders.make_for(job.picture);
    options.inspect = [&](const audio::AudioSource& mix, const separation::StemFiles& stems) {
      std::vector<SpectrogramPanel> panels = {{"mix", &mix}};
      for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
        panels.push_back({plan_.outputs[i].name, &stems.samples(i)});
      draw_spectrograms(panels, job.picture);
      throw_if_interrupted();
    };
  }
  separation::TrackReport report =
      separation::separate_track(job.input, job.outputs, plan_, options, separator, control);
  folders.keep();
  return report;
}

void SeparationRun::tell_event(const std::string& label, nlohmann::json line) const {
  if (!options_.json || !options_.events) return;
  line["track"] = label;
  print_result(dump(line));
}

/// The end of a track, on standard output and in the manifest.
void SeparationRun::tell(nlohmann::json line) {
  if (options_.json) {
    nlohmann::json shown = line;
    if (options_.events) shown["event"] = "end";
    print_result(dump(shown));
  }
  if (!manifest_) return;
  line["time"] = utc_text(std::chrono::system_clock::now());
  line["host"] = host_name();
  line["process"] = ::getpid();
  line["version"] = METALAUDIO_VERSION;
  manifest_->append(dump(line));
}

void SeparationRun::report_left(const TrackJob& job, const char* status,
                                const std::string& reason) {
  const std::string folder = job.outputs.front().parent_path().string();
  console_.note(failure_text(
      job.label, reason.empty() ? "would be separated; stems in " + folder : "left: " + reason));
  nlohmann::json line = {{"track", job.label}, {"status", status}, {"model", model_.bag.name}};
  if (!reason.empty()) line["reason"] = reason;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
    line["stems"][plan_.outputs[i].name] = job.outputs[i].string();
  tell(std::move(line));
}

void SeparationRun::report_failure(const TrackJob& job, const std::string& reason) {
  const std::string text = failure_text(job.label, reason);
  console_.line("metalaudio: " + text);
  tell({{"track", job.label}, {"status", "failed"}, {"error", text}});
}

void SeparationRun::report_success(const TrackJob& job, const separation::TrackReport& report) {
  const double speed = report.audio_seconds / report.seconds;
  for (const std::string& warning : report.warnings)
    console_.line(failure_text(job.label, "warning: " + warning));
  console_.note(fmt::format("{}: {}; stems in {}", job.label,
                            figures(report.audio_seconds, report.seconds),
                            job.outputs.front().parent_path().string()));
  report_gains(job, report.gains);
  nlohmann::json line = {{"track", job.label},
                         {"status", "done"},
                         {"model", model_.bag.name},
                         {"device", devices_.text},
                         {"audio_seconds", report.audio_seconds},
                         {"seconds", report.seconds},
                         {"times_real_time", speed},
                         {"peak_memory_bytes", peak_memory_bytes()},
                         {"sample_rate_hz", report.sample_rate_hz},
                         {"channels", report.channels}};
  if (!report.warnings.empty()) line["warnings"] = report.warnings;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
    line["stems"][plan_.outputs[i].name] = job.outputs[i].string();
    line["gains"][plan_.outputs[i].name] = report.gains[i];
  }
  if (!job.picture.empty()) line["picture"] = job.picture.string();
  tell(std::move(line));
}

/// Under --sum-safe all are turned down alike.
void SeparationRun::report_gains(const TrackJob& job, const std::vector<float>& gains) {
  const bool common_gain = options_.sum_safe || options_.exact_sum;
  for (std::size_t i = 0; i < gains.size(); ++i) {
    const std::string text = gain_text(gains[i]);
    if (text.empty()) continue;
    const std::string what = common_gain ? "all stems" : plan_.outputs[i].name;
    console_.note(fmt::format("{}: {} {} (--clip-mode rescale)", job.label, what, text));
    if (common_gain) return;
  }
}

void SeparationRun::report_all(const Shared& shared, double seconds) {
  if (tracks_.size() == 1 || shared.done + shared.left == 0) return;
  const std::string left = shared.left == 0 ? "" : fmt::format(", {} left", shared.left);
  if (options_.batch.dry_run || shared.done == 0)
    return console_.note(fmt::format("Nothing done: {} tracks{}", tracks_.size(), left));
  console_.note(fmt::format("Done: {} of {} tracks{}, {}", shared.done, tracks_.size(), left,
                            figures(shared.audio_seconds, seconds)));
}

}  // namespace metalaudio::apps
