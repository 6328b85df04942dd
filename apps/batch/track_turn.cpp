#include "apps/batch/track_turn.h"

#include <fmt/format.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

/// The same in every process and build: FNV-1a. Source: RFC 9923.
std::string short_hash(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return fmt::format("{:016x}", hash);
}

fs::path book_of(const fs::path& folder, const TrackJob& job, const char* ending) {
  return folder / ".metalaudio" / (short_hash(job.key) + ending);
}

fs::path record_of(const fs::path& folder, const TrackJob& job) {
  return book_of(folder, job, ".json");
}

fs::path claim_of(const fs::path& folder, const TrackJob& job) {
  return book_of(folder, job, ".claim");
}

std::vector<fs::path> all_outputs(const TrackJob& job) {
  std::vector<fs::path> all = job.outputs;
  if (!job.picture.empty()) all.push_back(job.picture);
  return all;
}

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

std::string relative_to(const fs::path& file, const fs::path& folder) {
  const fs::path below = fs::absolute(file).lexically_normal().lexically_relative(
      fs::absolute(folder).lexically_normal());
  return below.string();
}

nlohmann::json options_json(const SeparateOptions& options, bool on_gpu) {
  const audio::AudioWriterOptions writer = writer_options(options.format);
  nlohmann::json json = {{"precision", static_cast<int>(options.precision)},
                         {"device", on_gpu ? "cuda" : "cpu"},
                         {"mode", static_cast<int>(options.mode)},
                         {"shifts", options.shifts},
                         {"shift_offsets", options.shift_offsets},
                         {"seed", options.seed},
                         {"overlap", options.overlap},
                         {"split", options.split},
                         {"clip_mode", static_cast<int>(options.clip_mode)},
                         {"keep_rate", options.keep_rate},
                         {"downmix", options.downmix},
                         {"allow_truncated", options.allow_truncated},
                         {"sample_format", static_cast<int>(writer.sample_format)},
                         {"mp3_bitrate_kbps", writer.mp3_bitrate_kbps},
                         {"mp3_preset", writer.mp3_preset}};
  if (writer.bitrate_kbps) json["bitrate_kbps"] = *writer.bitrate_kbps;
  if (writer.lossless) json["lossless"] = true;
  if (options.segment_seconds) json["segment"] = *options.segment_seconds;
  // One gain for all depends on which they are.
  if (options.exact_sum) json["exact_sum"] = true;
  if (!options.tags) json["tags"] = false;
  if (options.normalize_lufs) json["normalize_lufs"] = *options.normalize_lufs;
  if (options.sum_safe || options.exact_sum || options.normalize_lufs)
    json["sum_safe"] = {options.stems.stems, options.stems.two_stems,
                        static_cast<int>(options.stems.method())};
  return json;
}

}  // namespace

RunRecipe run_recipe(const SeparateOptions& options, const ModelChoice& model,
                     const models::OpenDevices& devices) {
  nlohmann::json recipe = {{"version", METALAUDIO_VERSION},
                           {"model", {{"name", model.bag.name}, {"weights", model.bag.weights}}},
                           {"options", options_json(options, !devices.gpus.empty())}};
  std::vector<FileDigest> files(model.bag.models.begin(), model.bag.models.end());
  const auto with_digests = [recipe, files = std::move(files)]() mutable {
    for (const FileDigest& file : files) recipe["model"]["sha256"].push_back(file.sha256());
    return recipe;
  };
  // Beside a GPU a core has time for it.
  const std::launch when = devices.gpus.empty() ? std::launch::deferred : std::launch::async;
  return {outputs_folder(options, model.bag), std::async(when, with_digests),
          options.batch.skip_existing};
}

TrackRecord::Stamp record_stamp(const RunRecipe& run, const TrackJob& job) {
  return TrackRecord(record_of(run.folder, job)).stamp();
}

bool has_outputs(const fs::path& folder, const TrackJob& job) {
  return std::ranges::any_of(all_outputs(job), is_there) && !is_there(claim_of(folder, job));
}

TrackTurn::TrackTurn(const RunRecipe& run, const PlannedTrack& track,
                     const separation::StemPlan& plan, bool dry)
    : recipe_(run.recipe), input_(track.job.input), folder_(run.folder), record_({}) {
  const TrackJob& job = track.job;
  const std::vector<fs::path> files = all_outputs(job);
  for (std::size_t i = 0; i < files.size(); ++i) {
    outputs_.push_back(relative_to(files[i], folder_));
    stems_.push_back(i < job.outputs.size() ? plan.outputs[i].name : "picture");
  }
  if (!dry) {
    folders_.make_for(files.front());
    folders_.make_for(claim_of(folder_, job));
    std::optional<TrackClaim> claim = TrackClaim::take(claim_of(folder_, job));
    if (!claim) return;
    claim_.emplace(std::move(*claim));
    if (claim_->taken_over())
      for (const fs::path& file : files) audio::remove_abandoned_parts(file.parent_path());
  }
  record_ = TrackRecord(record_of(folder_, job));
  if (dry) static_cast<void>(recipes());  // what cannot be read is told
  decide(run, track);
  if (kind_ == Kind::separate && !dry) begin();
}

std::vector<nlohmann::json> TrackTurn::recipes() const {
  nlohmann::json recipe = recipe_.get();
  recipe["input"] = {{"sha256", input_.sha256()}};
  std::vector<nlohmann::json> all;
  for (const std::string& stem : stems_) {
    recipe["stem"] = stem;
    all.push_back(recipe);
  }
  return all;
}

void TrackTurn::decide(const RunRecipe& run, const PlannedTrack& track) {
  bool all_there = true;
  std::string in_the_way;
  for (const std::string& output : outputs_) {
    all_there = all_there && record_.made(output);
    const bool begun = claim_ && std::ranges::count(claim_->abandoned(), output) > 0;
    const bool ours = begun || (run.skip_existing && record_.made(output));
    if (is_there(folder_ / output) && !ours && in_the_way.empty()) in_the_way = output;
  }
  const bool meanwhile = record_.stamp() != track.known_record;
  if (all_there && (run.skip_existing || meanwhile)) {
    const std::vector<nlohmann::json> wanted = recipes();
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      all_there = all_there && record_.holds(outputs_[i], wanted[i]);
  }
  if (all_there && (run.skip_existing || meanwhile)) {
    kind_ = Kind::skip;
    reason_ = meanwhile ? "made by another process meanwhile" : "its stems are there already";
    return;
  }
  if (!in_the_way.empty() && !track.replace) {
    const std::string file = (folder_ / in_the_way).string();
    if (run.skip_existing)
      fail(ErrorCode::io,
           "{} is there already, and not as this program wrote it; --overwrite replaces it", file);
    fail(ErrorCode::io,
         "{} is there already; --overwrite replaces it, --skip-existing leaves what is up to date",
         file);
  }
  kind_ = Kind::separate;
}

/// From here on, what the record says of them holds no more.
void TrackTurn::begin() {
  std::vector<std::string> begun;
  bool changed = false;
  for (const std::string& output : outputs_) {
    const bool abandoned = std::ranges::count(claim_->abandoned(), output) > 0;
    if (!is_there(folder_ / output) || record_.made(output) || abandoned) begun.push_back(output);
  }
  claim_->begin(std::move(begun));
  for (const std::string& output : outputs_) {
    changed = changed || record_.made(output);
    record_.erase(output);
  }
  if (changed) record_.save();
}

void TrackTurn::finish() {
  std::vector<nlohmann::json> made_of = recipes();
  for (std::size_t i = 0; i < outputs_.size(); ++i) record_.set(outputs_[i], std::move(made_of[i]));
  record_.save();
  claim_->finish();
  folders_.keep();
}

}  // namespace metalaudio::apps
