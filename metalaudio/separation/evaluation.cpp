#include <fmt/format.h>
#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/evaluation.h>
#include <metalaudio/separation/run_files.h>
#include <metalaudio/separation/track_list.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <system_error>

namespace metalaudio::separation {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kBlockFrames = 1U << 16U;

/// One file read in step with others: silence after its end.
class BlockReader {
 public:
  BlockReader(const fs::path& path, bool allow_truncated)
      : path_(path),
        reader_(path, {.allow_truncated = allow_truncated}),
        block_(reader_.format().channels, kBlockFrames) {}

  void check_like(const BlockReader& other) const {
    const audio::AudioFormat& mine = reader_.format();
    const audio::AudioFormat& theirs = other.reader_.format();
    if (mine.sample_rate_hz != theirs.sample_rate_hz || mine.channels != theirs.channels)
      fail(ErrorCode::invalid_data, "{}: {} Hz, {}; {} has {} Hz, {}", path_.string(),
           mine.sample_rate_hz, counted(mine.channels, "channel"), other.path_.string(),
           theirs.sample_rate_hz, counted(theirs.channels, "channel"));
  }

  /// The frames read; the rest of the block is zero.
  std::size_t next() {
    const std::size_t frames = reader_.read(block_);
    for (std::size_t c = 0; c < block_.channels(); ++c)
      std::fill(block_.channel(c).begin() + static_cast<std::ptrdiff_t>(frames),
                block_.channel(c).end(), 0.0F);
    return frames;
  }
  const AudioBuffer& block() const { return block_; }

  void add_warnings(std::vector<FileWarning>& warnings) const {
    for (const std::string& warning : reader_.warnings()) warnings.push_back({path_, warning});
  }

 private:
  fs::path path_;
  audio::AudioReader reader_;
  AudioBuffer block_;
};

struct StemReaders {
  std::string name;
  std::unique_ptr<BlockReader> reference;
  std::unique_ptr<BlockReader> estimate;  // null: a stem that was not estimated
  double reference_energy = 0.0;
  double error_energy = 0.0;
  double mix_error_energy = 0.0;
};

/// The readers of one track, and the energies that they have given so far.
class TrackComparison {
 public:
  TrackComparison(const TrackFiles& references, const TrackFiles& estimates, bool allow_truncated) {
    for (const auto& [name, path] : references.stems) {
      StemReaders stem{
          name, std::make_unique<BlockReader>(path, allow_truncated), nullptr, 0.0, 0.0, 0.0};
      const auto found = estimates.stems.find(name);
      if (found != estimates.stems.end()) {
        stem.estimate = std::make_unique<BlockReader>(found->second, allow_truncated);
        stem.estimate->check_like(*stem.reference);
      }
      all_estimated_ &= stem.estimate != nullptr;
      stems_.push_back(std::move(stem));
    }
    for (const StemReaders& stem : stems_) stem.reference->check_like(*stems_[0].reference);
    if (!references.mix.empty()) {
      mix_reader_ = std::make_unique<BlockReader>(references.mix, allow_truncated);
      mix_reader_->check_like(*stems_[0].reference);
    }
  }

  /// Reads on; false after the references' end.
  bool next() {
    std::size_t frames = 0;
    for (StemReaders& stem : stems_) {
      frames = std::max(frames, stem.reference->next());
      if (stem.estimate) stem.estimate->next();
    }
    if (mix_reader_) mix_reader_->next();
    for (std::size_t c = 0; c < stems_[0].reference->block().channels(); ++c)
      for (std::size_t i = 0; i < frames; ++i) add_sample(c, i);
    frames_ += static_cast<std::int64_t>(frames);
    return frames > 0;
  }

  std::int64_t frames() const { return frames_; }

  TrackScore score(const std::string& name) const {
    TrackScore score{name, {}, kUndefined};
    for (const StemReaders& stem : stems_)
      if (stem.estimate)
        score.stems.push_back({stem.name,
                               signal_to_error_db(stem.reference_energy, stem.error_energy),
                               signal_to_error_db(stem.reference_energy, stem.mix_error_energy)});
    if (all_estimated_) score.sum_error_db = -signal_to_error_db(mix_energy_, sum_error_energy_);
    return score;
  }

  std::vector<FileWarning> warnings() const {
    std::vector<FileWarning> warnings;
    for (const StemReaders& stem : stems_) {
      stem.reference->add_warnings(warnings);
      if (stem.estimate) stem.estimate->add_warnings(warnings);
    }
    if (mix_reader_) mix_reader_->add_warnings(warnings);
    return warnings;
  }

 private:
  static double square(double value) { return value * value; }

  void add_sample(std::size_t c, std::size_t i) {
    double mix = mix_reader_ ? mix_reader_->block().channel(c)[i] : 0.0;
    double sum = 0.0;
    if (!mix_reader_)
      for (const StemReaders& stem : stems_) mix += stem.reference->block().channel(c)[i];
    for (StemReaders& stem : stems_) {
      const double reference = stem.reference->block().channel(c)[i];
      const double estimate = stem.estimate ? stem.estimate->block().channel(c)[i] : 0.0;
      stem.reference_energy += square(reference);
      stem.error_energy += square(reference - estimate);
      stem.mix_error_energy += square(reference - mix);
      sum += estimate;
    }
    mix_energy_ += square(mix);
    sum_error_energy_ += square(mix - sum);
  }

  std::vector<StemReaders> stems_;
  std::unique_ptr<BlockReader> mix_reader_;
  bool all_estimated_ = true;
  std::int64_t frames_ = 0;
  double mix_energy_ = 0.0;
  double sum_error_energy_ = 0.0;
};

/// The paths in a folder but for hidden ones.
std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
       it.increment(error))
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  if (error)
    fail(error == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
         "{}: {}", folder.string(), error.message());
  std::ranges::sort(entries);
  return entries;
}

/// Why a file named like audio cannot be read; empty where it can.
std::string entry_problem(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  if (type == fs::file_type::not_found) return path.string() + ": a link to nothing";
  if (type == fs::file_type::none) return path.string() + ": " + error.message();
  const std::string problem = input_problem(path);
  return problem.empty() ? "" : path.string() + ": " + problem;
}

/// A folder of the reference as one track, if it is one.
std::optional<TrackPair> pair_of(const fs::path& folder, const fs::path& estimate) {
  TrackPair pair{folder.filename().string(), folder, estimate / folder.filename()};
  std::error_code error;
  const fs::file_type type = fs::status(folder, error).type();
  if (type == fs::file_type::none) {
    pair.problem = error.message();
    return pair;
  }
  if (type != fs::file_type::directory) return std::nullopt;
  try {
    const TrackFiles files = track_files(folder);
    if (files.stems.empty() && files.problem.empty()) return std::nullopt;
  } catch (const Error& unreadable) {
    pair.problem = unreadable.what();
  }
  return pair;
}

}  // namespace

TrackFiles track_files(const fs::path& folder) {
  TrackFiles files;
  for (const fs::path& path : sorted_entries(folder)) {
    std::error_code error;
    if (!has_audio_extension(path) || fs::is_directory(path, error)) continue;
    if (const std::string problem = entry_problem(path); !problem.empty()) {
      if (files.problem.empty()) files.problem = problem;
      continue;
    }
    const std::string name = path.stem().string();
    const bool is_mix = name == "mix" || name == "mixture";
    fs::path& place = is_mix ? files.mix : files.stems[name];
    if (!place.empty() && files.problem.empty())
      files.problem = fmt::format("{}: {} and {} are the same stem", folder.string(),
                                  place.filename().string(), path.filename().string());
    place = path;
  }
  return files;
}

std::vector<TrackPair> track_pairs(const fs::path& reference, const fs::path& estimate) {
  const TrackFiles files = track_files(reference);
  const std::string name = fs::absolute(reference).lexically_normal().filename().string();
  if (!files.stems.empty()) return {{name, reference, estimate}};
  std::vector<TrackPair> pairs;
  if (!files.problem.empty()) pairs.push_back({name, reference, estimate, files.problem});
  for (const fs::path& entry : sorted_entries(reference))
    if (auto pair = pair_of(entry, estimate)) pairs.push_back(*std::move(pair));
  if (pairs.empty())
    fail(ErrorCode::not_found, "{}: no audio files in it or in its folders", reference.string());
  return pairs;
}

std::vector<fs::path> files_of(const TrackPair& pair) {
  std::vector<fs::path> paths;
  for (const fs::path& folder : {pair.reference, pair.estimate}) {
    try {
      const TrackFiles files = track_files(folder);
      for (const auto& [name, path] : files.stems) paths.push_back(path);
      if (!files.mix.empty()) paths.push_back(files.mix);
    } catch (const Error&) {
      // evaluate_track says so.
    }
  }
  return paths;
}

TrackScore evaluate_track(const TrackPair& pair, const EvaluationOptions& options,
                          std::vector<FileWarning>& warnings) {
  const TrackFiles reference = track_files(pair.reference);
  const TrackFiles estimate = track_files(pair.estimate);
  for (const std::string& problem : {pair.problem, reference.problem, estimate.problem})
    if (!problem.empty()) fail(ErrorCode::invalid_data, "{}", problem);
  TrackComparison comparison(reference, estimate, options.allow_truncated);
  while (comparison.next()) {
    if (options.stop.stop_requested()) fail(ErrorCode::cancelled, "[evaluate_track] cancelled");
    if (options.progress) options.progress(comparison.frames());
  }
  warnings = comparison.warnings();
  TrackScore score = comparison.score(pair.name);
  if (score.stems.empty())
    fail(ErrorCode::not_found, "{}: no stem of {}", pair.estimate.string(),
         pair.reference.string());
  return score;
}

}  // namespace metalaudio::separation
