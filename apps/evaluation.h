#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/separation_scores.h"

namespace metalaudio::apps {

/// The audio files of one track: its stems by name, and its mix ("mix" or "mixture") if it has one.
struct TrackFiles {
  std::map<std::string, std::filesystem::path> stems;
  std::filesystem::path mix;
};

/// A track to compare: reference stems in one folder, estimates in another.
struct TrackPair {
  std::string name;
  std::filesystem::path reference;
  std::filesystem::path estimate;
};

/// The audio files directly in a folder.
/// Errors:   throws Error{io} for a folder that cannot be read, Error{invalid_data} for two files
/// of
///           one name.
TrackFiles track_files(const std::filesystem::path& folder);

/// One pair where the reference folder holds audio files; otherwise one for each folder in it that
/// does. Errors:   as track_files, and Error{not_found} where there is no track at all.
std::vector<TrackPair> track_pairs(const std::filesystem::path& reference,
                                   const std::filesystem::path& estimate);

/// Compares every stem that both folders have; the mix is the reference folder's own or the sum of
/// its stems. Reads block by block; what an estimate lacks at its end counts as silence. Errors:
/// throws Error{not_found} without a common stem, Error{invalid_data} where sample rates or
///           channels differ, and what audio::AudioReader throws.
TrackScore evaluate_track(const TrackPair& pair, bool allow_truncated,
                          std::vector<std::string>& warnings);

}  // namespace metalaudio::apps
