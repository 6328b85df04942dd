#include <metalaudio/separation/run_files.h>
#include <metalaudio/separation/track_list.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace metalaudio::separation {
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

using FileId = std::pair<std::uintmax_t, std::uintmax_t>;  // device, inode

std::string folder_name(const fs::path& file) {
  std::error_code error;
  const fs::path whole = fs::absolute(file, error);
  return error ? "" : whole.lexically_normal().parent_path().filename().string();
}

Track make_track(const fs::path& path, const fs::path& folder, std::string problem = {}) {
  const std::string name = path.filename().string();
  const std::size_t dot = name.rfind('.');
  const std::string base = name.substr(0, dot);
  const std::string extension = dot == std::string::npos ? name : name.substr(dot + 1);
  const fs::path below = folder.empty() ? "" : path.lexically_relative(folder).parent_path();
  return {path, (below / base).string(), extension, folder_name(path), std::move(problem)};
}

fs::path canonical_or_same(const fs::path& path) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(path, error);
  return error ? path : canonical;
}

/// Looks through one folder given by the user.
class FolderWalk {
 public:
  FolderWalk(fs::path root, std::vector<fs::path> excluded)
      : root_(std::move(root)), excluded_(std::move(excluded)) {}

  std::vector<Track> run() {
    enter(root_);
    if (tracks_.empty()) report(root_, "no audio files in this folder");
    std::sort(tracks_.begin(), tracks_.end(),
              [](const Track& a, const Track& b) { return a.path < b.path; });
    return std::move(tracks_);
  }

 private:
  void report(const fs::path& path, std::string problem) {
    tracks_.push_back(make_track(path, root_, std::move(problem)));
  }

  /// A link may lead back to a folder that this one lies in.
  void enter(const fs::path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0)
      return report(folder, std::generic_category().message(errno));
    const FileId id(status.st_dev, status.st_ino);
    if (std::ranges::count(open_, id) > 0)
      return report(folder, "a link back to a folder that it lies in");
    open_.push_back(id);
    std::error_code error;
    for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
         it.increment(error))
      look_at(it->path());
    if (error) report(folder, error.message());
    open_.pop_back();
  }

  void look_at(const fs::path& path) {
    if (path.filename().string().starts_with('.')) return;
    std::error_code error;
    const fs::file_type type = fs::status(path, error).type();
    if (type == fs::file_type::directory) {
      if (std::ranges::count(excluded_, canonical_or_same(path)) == 0) enter(path);
    } else if (type == fs::file_type::none) {
      report(path, error.message());
    } else if (has_audio_extension(path)) {
      report(path, type == fs::file_type::not_found ? "a link to nothing" : input_problem(path));
    }
  }

  fs::path root_;
  std::vector<fs::path> excluded_;
  std::vector<FileId> open_;  // the folders that this one lies in
  std::vector<Track> tracks_;
};

}  // namespace

bool has_audio_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(kAudioExtensions.begin(), kAudioExtensions.end(), extension) !=
         kAudioExtensions.end();
}

std::vector<Track> list_tracks(const std::vector<fs::path>& inputs,
                               const std::vector<fs::path>& excluded) {
  std::vector<fs::path> unwanted;
  for (const fs::path& folder : excluded) unwanted.push_back(canonical_or_same(folder));
  std::vector<Track> tracks;
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (!fs::is_directory(input, ignored)) {
      tracks.push_back(make_track(input, {}, input_problem(input)));
      continue;
    }
    std::vector<Track> found = FolderWalk(input, unwanted).run();
    std::ranges::move(found, std::back_inserter(tracks));
  }
  return tracks;
}

}  // namespace metalaudio::separation
