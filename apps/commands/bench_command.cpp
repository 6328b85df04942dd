#include <fmt/format.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/default_threads.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/load_model.h>
#include <metalaudio/models/open_devices.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/machine_peaks.h>
#include <metalaudio/repository/model_repository.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/options/model_option_flags.h"
#include "apps/options/option_values.h"
#include "apps/terminal/console.h"
#include "apps/terminal/display_text.h"
#include "apps/terminal/figure_text.h"
#include "apps/terminal/interrupt.h"

namespace metalaudio::apps {
namespace {

struct BenchOptions {
  std::string model;
  bool profile = false;
  bool json = false;
  std::size_t threads = 0;  ///< 0: as many as the machine has for this process
  std::size_t runs = 5;
  std::string device = "auto";
  models::ModelOptions choice = {.precision = models::Precision::automatic};
};

/// One model, run some times.
struct Measurement {
  std::filesystem::path file;
  models::ModelInfo info;
  double run_seconds = 0.0;   ///< of audio that one run takes
  double milliseconds = 0.0;  ///< the median
  double fastest_ms = 0.0;
  nn::PlanReport report = {};
  nn::StepCost cost = {};  ///< of one run

  double times_real_time() const { return 1e3 * run_seconds / milliseconds; }
  double per_second(double amount) const { return 1e3 * amount / milliseconds; }
};

std::vector<double> time_runs(models::SegmentModel& model, std::size_t runs, std::size_t batch) {
  std::vector<float> mix(model.channels() * model.segment_samples());
  std::minstd_rand random(1);
  std::uniform_real_distribution<float> noise(-0.3F, 0.3F);
  for (float& sample : mix) sample = noise(random);
  std::vector<float> stems(model.sources().size() * mix.size());
  const std::unique_ptr<models::SegmentBatches> batches =
      batch > 1 ? model.make_batches(batch) : nullptr;
  const auto run_once = [&] {
    if (!batches) return model.run(mix, stems);
    batches->start(0, batch);
    for (std::size_t segment = 0; segment < batch; ++segment) batches->stems(0, segment);
  };
  if (batches && batches->capacity() < batch)
    fail(ErrorCode::out_of_memory, "--batch {}: the GPU has memory for {} at a time", batch,
         counted(batches->capacity(), "segment"));
  for (std::size_t segment = 0; batches && segment < batch; ++segment)
    std::ranges::copy(mix, batches->mix(0, segment).begin());
  std::vector<double> milliseconds;
  for (std::size_t run = 0; run <= runs; ++run) {  // the first one touches all memory
    throw_if_interrupted();
    const auto start = std::chrono::steady_clock::now();
    run_once();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (run > 0) milliseconds.push_back(took.count());
  }
  std::ranges::sort(milliseconds);
  return milliseconds;
}

Measurement measure(const std::filesystem::path& file, const BenchOptions& options,
                    const models::OpenDevices& devices, ThreadPool& pool) {
  models::ModelOptions choice = options.choice;
  choice.devices = devices.gpus;
  choice.notice = [](const std::string& line) { fail(ErrorCode::backend_unavailable, "{}", line); };
  choice.timing = options.profile;
  choice.tolerances = ToleranceConfiguration::load();
  Measurement result{.file = file, .info = models::inspect_model(file)};
  const std::unique_ptr<models::SegmentModel> model = models::load_model(file, choice, pool);
  const std::size_t batch = std::max<std::size_t>(choice.batch, 1);
  const std::vector<double> milliseconds = time_runs(*model, options.runs, batch);
  result.run_seconds = static_cast<double>(batch * model->segment_samples()) /
                       static_cast<double>(model->sample_rate_hz());
  result.milliseconds = milliseconds[milliseconds.size() / 2];
  result.fastest_ms = milliseconds.front();
  result.report = model->report();
  for (const nn::StepReport& step : result.report.steps) {
    result.cost.operations += step.cost.operations;
    result.cost.bytes += step.cost.bytes;
  }
  return result;
}

/// The milliseconds of each kind of step, the longest first; last what lies outside the plan.
std::vector<std::pair<std::string, double>> by_kind(const Measurement& measured) {
  std::map<std::string, double> sums;
  double inside = 0.0;
  for (const nn::StepReport& step : measured.report.steps) {
    sums[step.kind] += step.milliseconds;
    inside += step.milliseconds;
  }
  std::vector<std::pair<std::string, double>> kinds(sums.begin(), sums.end());
  std::ranges::stable_sort(kinds, std::ranges::greater{}, &std::pair<std::string, double>::second);
  kinds.emplace_back("outside the plan", std::max(measured.milliseconds - inside, 0.0));
  return kinds;
}

std::string text_of(const Measurement& measured, const models::OpenDevices& devices,
                    const std::optional<nn::MachinePeaks>& peaks, const BenchOptions& options,
                    std::size_t threads) {
  const auto part = [](double value, double peak) { return 100.0 * value / peak; };
  const auto beside = [part](double value, double peak, const char* what) {
    return fmt::format(", {:.0f} % of the {:.1f} that {} here", part(value, peak), peak * 1e-9,
                       what);
  };
  const double flops = measured.per_second(measured.cost.operations);
  const double bytes = measured.per_second(measured.cost.bytes);
  std::string text = fmt::format(
      "{}, {}: {:.2f} s of {} at {} Hz a run, {}\n"
      "{:.1f} ms a run ({:.1f} at best, {}), {} x real time\n"
      "{:.2f} GFLOP and {:.2f} GB a run\n"
      "{:.1f} GFLOP/s{}\n"
      "{:.1f} GB/s{}",
      display_text(measured.file.string()), measured.info.family, measured.run_seconds,
      counted(measured.info.channels, "channel"), measured.info.sample_rate_hz,
      peaks ? fmt::format("{}, {}", counted(threads, "thread"),
                          nn::cpu_arithmetic(options.choice.precision))
            : devices.text,
      measured.milliseconds, measured.fastest_ms, counted(options.runs, "run"),
      speed_text(measured.times_real_time()), measured.cost.operations * 1e-9,
      measured.cost.bytes * 1e-9, flops * 1e-9,
      peaks ? beside(flops, peaks->float_operations_per_second, "multiply-adds reach") : "",
      bytes * 1e-9, peaks ? beside(bytes, peaks->bytes_per_second, "a copy reaches") : "");
  if (!options.profile) return text;
  text += "\n\n" + measured.report.table() + "\n     ms      %  kind\n";
  for (const auto& [kind, milliseconds] : by_kind(measured))
    text += fmt::format("{:7.2f}  {:5.1f}  {}\n", milliseconds,
                        part(milliseconds, measured.milliseconds), kind);
  text.pop_back();
  return text;
}

nlohmann::json json_of(const Measurement& measured, const models::OpenDevices& devices,
                       const std::optional<nn::MachinePeaks>& peaks, const BenchOptions& options,
                       std::size_t threads) {
  nlohmann::json line = {{"model", options.model},
                         {"file", measured.file.string()},
                         {"family", measured.info.family},
                         {"device", devices.text},
                         {"threads", threads},
                         {"runs", options.runs},
                         {"audio_seconds", measured.run_seconds},
                         {"milliseconds", measured.milliseconds},
                         {"fastest_milliseconds", measured.fastest_ms},
                         {"times_real_time", measured.times_real_time()},
                         {"gflop", measured.cost.operations * 1e-9},
                         {"gigabytes", measured.cost.bytes * 1e-9},
                         {"gflop_per_second", measured.per_second(measured.cost.operations) * 1e-9},
                         {"gigabytes_per_second", measured.per_second(measured.cost.bytes) * 1e-9}};
  if (peaks) {
    line["arithmetic"] = nn::cpu_arithmetic(options.choice.precision);
    line["peak_gflop_per_second"] = peaks->float_operations_per_second * 1e-9;
    line["peak_gigabytes_per_second"] = peaks->bytes_per_second * 1e-9;
  }
  if (!options.profile) return line;
  for (const auto& [kind, milliseconds] : by_kind(measured))
    line["kinds"].push_back({{"kind", kind}, {"milliseconds", milliseconds}});
  for (const nn::StepReport& step : measured.report.steps)
    line["steps"].push_back({{"kind", step.kind},
                             {"label", step.label},
                             {"backend", step.backend},
                             {"result", step.result},
                             {"milliseconds", step.milliseconds},
                             {"gflop", step.cost.operations * 1e-9},
                             {"gigabytes", step.cost.bytes * 1e-9}});
  return line;
}

int bench(const BenchOptions& options) {
  const repository::ModelBag bag = repository::ModelRepository().find(options.model);
  ThreadPool pool(options.threads > 0 ? options.threads : default_threads());
  check_device(options.device);
  const models::OpenDevices devices = models::open_devices(options.device);
  check_precision(options.choice.precision, devices);
  if (devices.gpus.empty() && options.choice.batch > 1)
    fail(ErrorCode::invalid_argument, "--batch {}: the cpu takes one segment at a time",
         options.choice.batch);
  std::optional<nn::MachinePeaks> peaks;  // the processor's say nothing of a GPU
  if (devices.gpus.empty()) peaks = nn::measure_peaks(&pool);
  for (const std::filesystem::path& file : bag.models) {
    const Measurement measured = measure(file, options, devices, pool);
    if (options.json) {
      using Handler = nlohmann::json::error_handler_t;
      print_result(json_of(measured, devices, peaks, options, pool.threads())
                       .dump(-1, ' ', false, Handler::replace));
    } else {
      print_result(text_of(measured, devices, peaks, options, pool.threads()));
    }
  }
  return 0;
}

}  // namespace

void add_bench_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "bench", "Measure how fast a model runs here, beside what this machine reaches at best");
  const auto options = std::make_shared<BenchOptions>();
  command->add_option("MODEL", options->model, "The model's name or file, as in: htdemucs")
      ->type_name("MODEL")
      ->required();
  command->add_flag("--profile", options->profile, "Show every step, and the share of each kind");
  add_whole(*command, "--threads", options->threads, 0, 1024,
            "Threads; 0: as many as cores may be used, or OMP_NUM_THREADS where that is fewer")
      ->default_str("0");
  add_whole(*command, "--runs", options->runs, 1, 10000, "Runs to take the median of")
      ->default_str("5");
  add_device(*command, options->device);
  add_whole(*command, "--batch", options->choice.batch, 1, 256,
            "Segments that a GPU takes at a time")
      ->default_str("1");
  add_precision(*command, options->choice.precision);
  add_mode(*command, options->choice.mode);
  command->add_flag("--json", options->json, "One line of JSON for each file of the model");
  command->callback([options, &status] { status = bench(*options); });
}

}  // namespace metalaudio::apps
