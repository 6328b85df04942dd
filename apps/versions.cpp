#include "apps/versions.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sndfile.h>
#include <soxr.h>
#include <oneapi/dnnl/dnnl.hpp>

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

}  // namespace

std::vector<LibraryVersion> library_versions() {
  const dnnl_version_t* dnnl = dnnl_version();
  return {
      {"oneDNN", fmt::format("{}.{}.{}", dnnl->major, dnnl->minor, dnnl->patch)},
      {"libsndfile", sf_version_string()},
      {"libavformat", av_version(avformat_version())},
      {"libavcodec", av_version(avcodec_version())},
      {"soxr", soxr_version()},
      {"libcurl", curl_version_info(CURLVERSION_NOW)->version},
  };
}

}  // namespace metalaudio::apps
