#include "apps/track_list.h"

#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

/// Sound, and pictures with sound.
constexpr std::array<std::string_view, 86> kAudioExtensions = {
    ".3g2",  ".3gp",  ".aac",  ".ac3",  ".adts", ".aif",  ".aifc", ".aiff",  ".alac", ".amr",
    ".ape",  ".asf",  ".au",   ".avi",  ".awb",  ".caf",  ".dff",  ".dsf",   ".dts",  ".dtshd",
    ".eac3", ".ec3",  ".f4a",  ".f4v",  ".flac", ".flv",  ".gsm",  ".ircam", ".loas", ".m2a",
    ".m2t",  ".m2ts", ".m4a",  ".m4b",  ".m4r",  ".m4v",  ".mka",  ".mkv",   ".mlp",  ".mov",
    ".mp+",  ".mp1",  ".mp2",  ".mp3",  ".mp4",  ".mpa",  ".mpc",  ".mpeg",  ".mpg",  ".mpga",
    ".mpp",  ".mts",  ".mxf",  ".oga",  ".ogg",  ".ogm",  ".ogv",  ".ogx",   ".oma",  ".opus",
    ".paf",  ".qt",   ".ra",   ".rf64", ".rm",   ".rmvb", ".shn",  ".snd",   ".sph",  ".spx",
    ".svx",  ".tak",  ".thd",  ".ts",   ".tta",  ".vob",  ".voc",  ".vqf",   ".w64",  ".wav",
    ".wave", ".weba", ".webm", ".wma",  ".wmv",  ".wv"};

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
