#pragma once

#include <metalaudio/separation/scores.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// The audio files of one track: its stems by name, and its mix ("mix" or "mixture") if it has one.
struct TrackFiles {
  std::map<std::string, std::filesystem::path> stems;
  std::filesystem::path mix;
  std::string problem;  ///< of an entry that is named like audio and cannot be read; empty: none
};

/// A track to compare: reference stems in one folder, estimates in another.
struct TrackPair {
  std::string name;
  std::filesystem::path reference;
  std::filesystem::path estimate;
  std::string problem{};  ///< why it cannot be compared; empty: nothing is known against it
};

/// The audio files directly in a folder; hidden files are left out.
/// Errors:   throws Error{not_found, io} for a folder that cannot be read.
TrackFiles track_files(const std::filesystem::path& folder);

/// One pair where the reference folder holds audio files; otherwise one for each folder in it that
/// does; a folder in it that cannot be read is a pair with a problem, and does not stop the others.
/// Errors:   as track_files, and Error{not_found} where there is no track at all.
std::vector<TrackPair> track_pairs(const std::filesystem::path& reference,
                                   const std::filesystem::path& estimate);

/// Every file that comparing a pair reads, as far as its folders can be read.
std::vector<std::filesystem::path> files_of(const TrackPair& pair);

/// Something a reader should know of a file that was compared.
struct FileWarning {
  std::filesystem::path file;
  std::string text;
};

/// How tracks are compared, and how a caller follows that and ends it.
struct EvaluationOptions {
  bool allow_truncated = false;
  std::function<void(std::int64_t frames)> progress = {};  ///< how many have been compared
  std::stop_token stop = {};
};

/// Compares every stem that both folders have; the mix is the reference folder's own or the sum of
/// its stems. Reads block by block; what an estimate lacks at its end counts as silence.
/// Errors:   throws Error{not_found} without a common stem, Error{invalid_data} for the pair's own
///           problem and where sample rates or channels differ, Error{cancelled}, and what
///           audio::AudioReader and options.progress throw.
TrackScore evaluate_track(const TrackPair& pair, const EvaluationOptions& options,
                          std::vector<FileWarning>& warnings);

}  // namespace metalaudio::separation
