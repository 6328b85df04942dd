#include "apps/track_list.h"

#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 26> kAudioExtensions = {
    ".aac", ".ac3", ".aif",  ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au",
    ".caf", ".dts", ".flac", ".m4a",  ".m4b",  ".mka",  ".mp2", ".mp3", ".mpc",
    ".oga", ".ogg", ".opus", ".tta",  ".wav",  ".wave", ".wma", ".wv"};

Track make_track(const fs::path& path, const fs::path& folder) {
  const std::string name = path.filename().string();
  const std::size_t dot = name.rfind('.');
  const std::string base = name.substr(0, dot);
  const std::string extension = dot == std::string::npos ? name : name.substr(dot + 1);
  if (folder.empty()) return {path, base, extension};
  return {path, (path.lexically_relative(folder).parent_path() / base).string(), extension};
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto mismatch = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return mismatch.first == folder.end();
}

std::vector<Track> tracks_below(const fs::path& folder, const fs::path& excluded) {
  std::vector<Track> tracks;
  const fs::path unwanted = excluded.empty() ? fs::path() : fs::weakly_canonical(excluded);
  const auto options = fs::directory_options::follow_directory_symlink;
  for (auto it = fs::recursive_directory_iterator(folder, options);
       it != fs::recursive_directory_iterator(); ++it) {
    const bool hidden = it->path().filename().string().starts_with('.');
    if (it->is_directory()) {
      const bool output = !unwanted.empty() && is_below(fs::weakly_canonical(it->path()), unwanted);
      if (hidden || output) it.disable_recursion_pending();
    } else if (!hidden && it->is_regular_file() && has_audio_extension(it->path())) {
      tracks.push_back(make_track(it->path(), folder));
    }
  }
  std::sort(tracks.begin(), tracks.end(),
            [](const Track& a, const Track& b) { return a.path < b.path; });
  return tracks;
}

}  // namespace

bool has_audio_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(kAudioExtensions.begin(), kAudioExtensions.end(), extension) !=
         kAudioExtensions.end();
}

std::vector<Track> list_tracks(const std::vector<fs::path>& inputs, const fs::path& excluded) {
  std::vector<Track> tracks;
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (!fs::is_directory(input, ignored)) {
      tracks.push_back(make_track(input, {}));
      continue;
    }
    try {
      const std::vector<Track> found = tracks_below(input, excluded);
      if (found.empty())
        fail(ErrorCode::not_found, "{}: no audio files in this folder", input.string());
      tracks.insert(tracks.end(), found.begin(), found.end());
    } catch (const fs::filesystem_error& error) {
      fail(ErrorCode::io, "{}: {}", input.string(), error.code().message());
    }
  }
  return tracks;
}

}  // namespace metalaudio::apps
