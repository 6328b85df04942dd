#include "apps/commands/versions.h"

#include <fmt/format.h>
#include <metalaudio/repository/download.h>

#include <cairo.h>
#include <sndfile.h>
#include <soxr.h>

#include <algorithm>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
}

namespace metalaudio::apps {
namespace {

std::string av_version(unsigned version) {
  return fmt::format("{}.{}.{}", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                     AV_VERSION_MICRO(version));
}

/// "libsoxr-0.1.3" -> "0.1.3".
std::string bare(std::string_view version) {
  return std::string(version.substr(version.rfind('-') + 1));
}

}  // namespace

std::vector<LibraryVersion> library_versions() {
  std::vector<LibraryVersion> versions{
      {"libsndfile", bare(sf_version_string())},
      {"libavformat", av_version(avformat_version())},
      {"libavcodec", av_version(avcodec_version())},
      {"libavutil", av_version(avutil_version())},
      {"libswresample", av_version(swresample_version())},
      {"soxr", bare(soxr_version())},
      {"cairo", cairo_version_string()},
      {"libcurl", repository::curl_version_text()},
  };
  // "TagLib 1.13,OpenSSL 3.0"
  for (std::string_view rest = METALAUDIO_BUILT_WITH; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    const std::size_t space = one.rfind(' ');
    versions.push_back({std::string(one.substr(0, space)), std::string(one.substr(space + 1))});
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  return versions;
}

std::string version_text() {
  std::string text = fmt::format("metalaudio {}\ncommit {}\n", METALAUDIO_VERSION, commit_text());
  for (const LibraryVersion& library : library_versions())
    text += fmt::format("{} {}\n", library.name, library.version);
  text.pop_back();
  return text;
}

}  // namespace metalaudio::apps
