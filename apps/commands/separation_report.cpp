#include "apps/commands/separation_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <metalaudio/core/counted.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

#include "apps/terminal/failure_text.h"
#include "apps/terminal/figure_text.h"
#include "apps/terminal/peak_memory.h"

namespace metalaudio::apps {
namespace {

std::string dump(const nlohmann::json& json) {
  // File names may hold bytes that are not UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
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

std::string level_text(double value, const char* unit) {
  return std::isfinite(value) ? fmt::format("{:.1f} {}", value, unit)
                              : fmt::format("-inf {}", unit);
}

std::string loudness_text(const dsp::Loudness& loudness) {
  return fmt::format("{}, range {}, true peak {}", level_text(loudness.integrated_lufs, "LUFS"),
                     level_text(loudness.range_lu, "LU"),
                     level_text(loudness.true_peak_dbtp, "dBTP"));
}

/// JSON has no infinity: null.
nlohmann::json loudness_json(const dsp::Loudness& loudness) {
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
  };
  return {{"integrated_lufs", number(loudness.integrated_lufs)},
          {"range_lu", number(loudness.range_lu)},
          {"true_peak_dbtp", number(loudness.true_peak_dbtp)}};
}

double decibels(float gain) { return 20.0 * std::log10(static_cast<double>(gain)); }

/// Standard input lies in a file that nobody knows by its name.
std::string with_label(std::string text, const TrackJob& job) {
  const std::string path = job.input.string();
  if (path == job.label) return text;
  for (std::size_t at = 0; (at = text.find(path, at)) != std::string::npos; at += job.label.size())
    text.replace(at, path.size(), job.label);
  return text;
}

}  // namespace

SeparationReport::SeparationReport(const SeparateOptions& options, const ModelChoice& model,
                                   const models::OpenDevices& devices,
                                   const separation::StemPlan& plan, Console& console)
    : options_(options), model_(model), devices_(devices), plan_(plan), console_(console) {
  if (!options.batch.manifest.empty() && !options.batch.dry_run)
    manifest_ = std::make_unique<Manifest>(options.batch.manifest);
}

void SeparationReport::event(const std::string& label, nlohmann::json line) const {
  if (!options_.json || !options_.events) return;
  line["track"] = label;
  print_result(dump(line));
}

/// The end of a track, on standard output and in the manifest.
void SeparationReport::tell(nlohmann::json line) {
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

std::string SeparationReport::place_of(const TrackJob& job) const {
  if (options_.to_standard_output()) return "stems to standard output";
  const std::filesystem::path& first = job.outputs.front();
  return "stems in " + (options_.format.stem_m4a ? first : first.parent_path()).string();
}

void SeparationReport::left(const TrackJob& job, const char* status, const std::string& reason) {
  console_.note(failure_text(
      job.label, reason.empty() ? "would be separated; " + place_of(job) : "left: " + reason));
  nlohmann::json line = {{"track", job.label}, {"status", status}, {"model", model_.bag.name}};
  if (!reason.empty()) line["reason"] = reason;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
    line["stems"][plan_.outputs[i].name] = job.output(i).string();
  tell(std::move(line));
}

void SeparationReport::failure(const TrackJob& job, const std::string& reason) {
  const std::string text = failure_text(job.label, with_label(reason, job));
  console_.line("metalaudio: " + text);
  tell({{"track", job.label}, {"status", "failed"}, {"error", text}});
}

void SeparationReport::success(const TrackJob& job, const separation::TrackReport& report) {
  const double speed = report.audio_seconds / report.seconds;
  for (const std::string& warning : report.warnings)
    console_.line(failure_text(job.label, "warning: " + warning));
  console_.note(fmt::format("{}: {}; {}", job.label, figures(report.audio_seconds, report.seconds),
                            place_of(job)));
  tell_levels(job, report);
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
    line["stems"][plan_.outputs[i].name] = job.output(i).string();
    line["gains"][plan_.outputs[i].name] = report.gains[i];
  }
  if (report.mix_loudness) line["loudness"]["mix"] = loudness_json(*report.mix_loudness);
  for (std::size_t i = 0; i < report.loudness.size(); ++i)
    line["loudness"]["stems"][plan_.outputs[i].name] = loudness_json(report.loudness[i]);
  if (options_.normalize_lufs) line["limiter_gain"] = report.limiter_gain;
  if (!job.picture.empty()) line["picture"] = job.picture.string();
  tell(std::move(line));
}

/// Where one gain is for all, it is told once, and so is the mix that a stem file begins with.
void SeparationReport::tell_levels(const TrackJob& job, const separation::TrackReport& report) {
  if (options_.normalize_lufs && !report.gains.empty()) {
    console_.note(fmt::format(
        "{}: all stems by {:+.1f} dB, the mix to {:.1f} LUFS{} (--normalize)", job.label,
        decibels(report.gains.front()), *options_.normalize_lufs,
        report.limiter_gain < 1.0F
            ? fmt::format(", limited by {:.1f} dB at most", -decibels(report.limiter_gain))
            : ""));
  }
  const bool common = options_.sum_safe || options_.exact_sum || options_.together(plan_);
  for (std::size_t i = 0; i < report.gains.size() && !options_.normalize_lufs; ++i) {
    const std::string text = gain_text(report.gains[i]);
    if (text.empty()) continue;
    const std::string what = common ? "all stems" : plan_.outputs[i].name;
    console_.note(fmt::format("{}: {} {} (--clip-mode rescale)", job.label, what, text));
    if (common) break;
  }
  if (report.mix_loudness)
    console_.note(fmt::format("{}: mix {}", job.label, loudness_text(*report.mix_loudness)));
  for (std::size_t i = options_.format.stem_m4a ? 1 : 0; i < report.loudness.size(); ++i)
    console_.note(fmt::format("{}: {} {}", job.label, plan_.outputs[i].name,
                              loudness_text(report.loudness[i])));
}

void SeparationReport::all(const Sum& sum) {
  if (sum.tracks == 1 || sum.done + sum.left == 0) return;
  const std::string left = sum.left == 0 ? "" : fmt::format(", {} left", sum.left);
  if (options_.batch.dry_run || sum.done == 0)
    return console_.note(fmt::format("Nothing done: {}{}", counted(sum.tracks, "track"), left));
  console_.note(fmt::format("Done: {} of {}{}, {}", sum.done, counted(sum.tracks, "track"), left,
                            figures(sum.audio_seconds, sum.seconds)));
}

}  // namespace metalaudio::apps
