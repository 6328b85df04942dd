#include "apps/commands/separation_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <malloc.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/default_threads.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/separation/output_folders.h>
#include <metalaudio/separation/output_levels.h>
#include <metalaudio/separation/stem_container.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
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
  result.tags = options.tags;
  result.loudness = options.loudness;
  result.normalize_lufs = options.normalize_lufs;
  result.keep_rate = options.keep_rate;
  result.clip_mode = options.clip_mode;
  result.common_gain = options.sum_safe || options.exact_sum;
  result.exact_sum = options.exact_sum;
  return result;
}

/// A GPU's weights are packed in passing: memory that goes back to the system after each is faulted in
/// anew, by all threads at once, for a tenth of a second.
void keep_freed_memory() {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_THRESHOLD, 1 << 26);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

/// Of standard output: its reader has had enough, which is no failure.
bool is_broken_pipe(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  return known != nullptr && known->code() == ErrorCode::cancelled && interrupt_signal() == 0;
}

}  // namespace

/// One of those who work on tracks, with a model that is loaded when the first track needs it.
struct SeparationRun::Worker {
  Worker(const Sharing& sharing, const models::OpenDevices& devices, std::size_t number)
      : pool(sharing.threads_each),
        gpus(models::devices_of_job(devices, number, sharing.workers)),
        spares(models::spares_of_job(devices, number, sharing.workers)) {}

  ThreadPool pool;
  std::vector<std::shared_ptr<AudioDevice>> gpus;
  std::vector<int> spares;
  std::optional<separation::Separator> separator{};
  std::exception_ptr failure{};  ///< of loading it, which no track is to blame for
};

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

  std::mutex mutex;
  std::vector<std::size_t> busy{};  // guarded by mutex; other processes' for the time being
  std::size_t done = 0;             // guarded by mutex
  std::size_t left = 0;             // guarded by mutex; as they were
  double audio_seconds = 0.0;       // guarded by mutex
  std::exception_ptr exception{};   // guarded by mutex; ends the whole run
  std::size_t to_load = 0;          // guarded by mutex; workers that have not loaded the model

  std::mutex loading;
  std::vector<std::unique_ptr<Worker>> workers{};  // kept until all are done
};

SeparationRun::SeparationRun(const SeparateOptions& options, const ModelChoice& model,
                             std::shared_future<separation::BagContents> contents,
                             const models::OpenDevices& devices, const separation::StemPlan& plan,
                             std::vector<PlannedTrack> tracks, Console& console)
    : options_(options),
      model_(model),
      contents_(std::move(contents)),
      devices_(devices),
      plan_(plan),
      tracks_(std::move(tracks)),
      console_(console),
      recipe_(options.to_standard_output() ? RunRecipe{} : run_recipe(options, model, devices)),
      report_(options, model, devices, plan, console) {
  if (options.to_standard_output()) return;
  for (PlannedTrack& track : tracks_) track.known_record = record_stamp(recipe_, track.job);
}

int SeparationRun::run() {
  if (!devices_.gpus.empty()) keep_freed_memory();
  const Clock::time_point start = Clock::now();
  const std::size_t threads = options_.threads > 0 ? options_.threads : default_threads();
  const Sharing sharing =
      share_threads(options_.jobs, tracks_.size(), threads, devices_.gpus.size());
  console_.detail(fmt::format(
      "{}{}, {} at a time", counted(threads, "thread"),
      devices_.gpus.empty() ? fmt::format(", {}", nn::cpu_arithmetic(options_.precision)) : "",
      counted(sharing.workers, "track")));
  Shared shared(console_, tracks_.size());
  shared.to_load = sharing.workers;
  for (std::size_t i = 0; i < sharing.workers; ++i)
    shared.workers.push_back(std::make_unique<Worker>(sharing, devices_, i));
  std::vector<std::thread> workers;
  for (std::size_t i = 1; i < sharing.workers; ++i)
    workers.emplace_back([&, i] { work(shared, *shared.workers[i]); });
  work(shared, *shared.workers[0]);
  for (std::thread& worker : workers) worker.join();
  if (shared.exception) std::rethrow_exception(shared.exception);
  report_.all({tracks_.size(), shared.done, shared.left, shared.audio_seconds,
               std::chrono::duration<double>(Clock::now() - start).count()});
  return shared.done + shared.left == tracks_.size() ? 0 : kFailed;
}

void SeparationRun::work(Shared& shared, Worker& worker) {
  try {
    while (!shared.stop) {
      const std::optional<std::size_t> index = shared.take(tracks_.size());
      if (!index) return;
      settle(shared, *index, worker);
    }
  } catch (...) {
    const std::lock_guard lock(shared.mutex);
    if (!shared.exception) shared.exception = std::current_exception();
    shared.stop = true;
  }
}

/// The last worker that may ask takes them with it.
separation::BagContents SeparationRun::take_contents(Shared& shared) {
  std::shared_future<separation::BagContents> contents;
  {
    const std::lock_guard lock(shared.mutex);
    contents = --shared.to_load == 0 ? std::move(contents_) : contents_;
  }
  return contents.get();
}

separation::Separator& SeparationRun::load(Shared& shared, Worker& worker) {
  if (worker.gpus.empty()) {
    const std::lock_guard lock(shared.loading);
    return load_once(shared, worker);
  }
  return load_once(shared, worker);
}

/// On the CPU the first model lends the others its weights, at once: where memory is short for one of
/// them, no track has been begun.
separation::Separator& SeparationRun::load_once(Shared& shared, Worker& worker) {
  if (worker.separator) return *worker.separator;
  try {
    worker.separator.emplace(
        separation::load_separator(take_contents(shared), model_options(worker), worker.pool));
    for (const std::unique_ptr<Worker>& other : shared.workers)
      if (worker.gpus.empty() && !other->separator)
        other->separator = worker.separator->clone(other->pool);
  } catch (...) {
    worker.separator.reset();
    worker.failure = std::current_exception();
    throw;
  }
  return *worker.separator;
}

models::ModelOptions SeparationRun::model_options(const Worker& worker) const {
  models::ModelOptions options;
  options.precision = options_.precision;
  options.tolerances = ToleranceConfiguration::load();
  options.mode = options_.mode;
  options.devices = worker.gpus;
  options.spare_gpus = worker.spares;
  options.notice = [this](const std::string& line) { console_.line(failure_text("", line)); };
  return options;
}

/// What becomes of one track. One that another process works on goes to the end of the queue: that
/// process will have made it by then, or have died.
void SeparationRun::settle(Shared& shared, std::size_t index, Worker& worker) {
  const PlannedTrack& track = tracks_[index];
  const auto leave = [&](const char* status, const std::string& reason) {
    shared.board.end(index);
    report_.left(track.job, status, reason);
    const std::lock_guard lock(shared.mutex);
    ++shared.left;
  };
  std::unique_ptr<TrackTurn> turn;
  std::string refusal = track.refusal;
  try {
    throw_if_interrupted();
    if (refusal.empty() && !track.keep && !options_.to_standard_output())
      turn = std::make_unique<TrackTurn>(recipe_, track, plan_, options_.batch.dry_run);
  } catch (const std::exception& error) {
    if (interrupt_signal() != 0) throw;
    refusal = reason_of(error);
  }
  if (!refusal.empty()) {
    shared.board.end(index);
    return report_.failure(track.job, refusal);
  }
  if (track.keep) return leave("skipped", "its stems were to be kept");
  if (!turn) return separate(shared, index, nullptr, worker);
  if (turn->kind() == TrackTurn::Kind::skip) return leave("skipped", turn->reason());
  if (turn->kind() == TrackTurn::Kind::busy) return put_off(shared, index);
  if (options_.batch.dry_run) return leave("planned", "");
  if (turn->taken_over()) console_.detail(track.job.label + ": goes on for a process that ended");
  separate(shared, index, turn.get(), worker);
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

void SeparationRun::separate(Shared& shared, std::size_t index, TrackTurn* turn, Worker& worker) {
  const PlannedTrack& track = tracks_[index];
  std::optional<separation::TrackReport> report;
  std::string reason;
  try {
    report = separate_track(shared, track.job, worker, control_of(shared, index));
  } catch (const std::exception& error) {
    if (is_broken_pipe(error)) end_as_by_signal(SIGPIPE);
    if (interrupt_signal() != 0) throw;
    if (worker.failure) std::rethrow_exception(worker.failure);
    reason = reason_of(error);
  }
  shared.board.end(index);
  if (!report) return report_.failure(track.job, reason);
  try {
    if (turn != nullptr) turn->finish();
  } catch (const Error& error) {
    report->warnings.push_back("no record of how it was made: " + failure_text("", error.what()));
  }
  report_.success(track.job, *report);
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
            report_.event(label, {{"event", "begin"}, {"audio_seconds", audio_seconds}});
          },
          [this, &shared, index, &label](double fraction) {
            throw_if_interrupted();
            shared.board.update(index, fraction);
            report_.event(label, {{"event", "progress"}, {"fraction", fraction}});
          },
          {}};
}

separation::TrackReport SeparationRun::separate_track(Shared& shared, const TrackJob& job,
                                                      Worker& worker,
                                                      const separation::TrackControl& control) {
  separation::TrackSeparationOptions options = track_options(options_);
  options.together = options_.together(plan_);
  if (options_.format.stem_m4a) options.writer.stems = separation::stem_labels(plan_);
  options.pool = &worker.pool;
  // A GPU makes more of them in a second than a disk may take, and its weights lie elsewhere.
  if (!worker.gpus.empty()) options.memory_bytes = std::size_t{1} << 30U;
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
  const separation::ComingSeparator coming{
      model_.sample_rate_hz, model_.channels,
      [&]() -> separation::Separator& { return load(shared, worker); }};
  separation::TrackReport report =
      separation::separate_track(job.input, job.outputs, plan_, options, coming, control);
  folders.keep();
  return report;
}

}  // namespace metalaudio::apps
