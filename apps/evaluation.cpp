#include "apps/evaluation.h"

#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <system_error>

#include "apps/failure_text.h"
#include "apps/interrupt.h"
#include "apps/track_list.h"

namespace metalaudio::apps {
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
      fail(ErrorCode::invalid_data, "{}: {} Hz, {} channels; {} has {} Hz, {} channels",
           path_.string(), mine.sample_rate_hz, mine.channels, other.path_.string(),
           theirs.sample_rate_hz, theirs.channels);
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

  void add_warnings(std::vector<std::string>& warnings) const {
    for (const std::string& warning : reader_.warnings())
      warnings.push_back(failure_text(path_.string(), "warning: " + warning));
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
    return frames > 0;
  }

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

  std::vector<std::string> warnings() const {
    std::vector<std::string> warnings;
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
  double mix_energy_ = 0.0;
  double sum_error_energy_ = 0.0;
};

std::vector<fs::directory_entry> sorted_entries(const fs::path& folder) {
  try {
    std::vector<fs::directory_entry> entries(fs::directory_iterator(folder), {});
    std::sort(entries.begin(), entries.end());
    return entries;
  } catch (const fs::filesystem_error& error) {
    fail(
        error.code() == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
        "{}: {}", folder.string(), error.code().message());
  }
}

}  // namespace

TrackFiles track_files(const fs::path& folder) {
  TrackFiles files;
  for (const fs::directory_entry& entry : sorted_entries(folder)) {
    if (!entry.is_regular_file() || !has_audio_extension(entry.path())) continue;
    const std::string name = entry.path().stem().string();
    const bool is_mix = name == "mix" || name == "mixture";
    fs::path& place = is_mix ? files.mix : files.stems[name];
    if (!place.empty())
      fail(ErrorCode::invalid_data, "{}: {} and {} are the same stem", folder.string(),
           place.filename().string(), entry.path().filename().string());
    place = entry.path();
  }
  return files;
}

std::vector<TrackPair> track_pairs(const fs::path& reference, const fs::path& estimate) {
  if (!track_files(reference).stems.empty())
    return {{fs::absolute(reference).lexically_normal().filename().string(), reference, estimate}};
  std::vector<TrackPair> pairs;
  for (const fs::directory_entry& entry : sorted_entries(reference)) {
    const fs::path name = entry.path().filename();
    if (entry.is_directory() && !track_files(entry.path()).stems.empty())
      pairs.push_back({name.string(), entry.path(), estimate / name});
  }
  if (pairs.empty())
    fail(ErrorCode::not_found, "{}: no audio files in it or in its folders", reference.string());
  return pairs;
}

TrackScore evaluate_track(const TrackPair& pair, bool allow_truncated,
                          std::vector<std::string>& warnings) {
  TrackComparison comparison(track_files(pair.reference), track_files(pair.estimate),
                             allow_truncated);
  while (comparison.next()) throw_if_interrupted();
  warnings = comparison.warnings();
  TrackScore score = comparison.score(pair.name);
  if (score.stems.empty())
    fail(ErrorCode::not_found, "{}: no stem of {}", pair.estimate.string(),
         pair.reference.string());
  return score;
}

}  // namespace metalaudio::apps
