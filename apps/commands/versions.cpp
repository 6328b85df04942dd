#include "apps/commands/versions.h"

#include <fmt/format.h>
#include <metalaudio/repository/download.h>
#include <sndfile.h>
#include <soxr.h>

#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
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
  return {
      {"libsndfile", bare(sf_version_string())},
      {"libavformat", av_version(avformat_version())},
      {"libavcodec", av_version(avcodec_version())},
      {"soxr", bare(soxr_version())},
      {"libcurl", repository::curl_version_text()},
  };
}

}  // namespace metalaudio::apps
