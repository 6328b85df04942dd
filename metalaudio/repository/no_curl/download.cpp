#include <metalaudio/core/error.h>
#include <metalaudio/repository/download.h>

namespace metalaudio::repository {

void download_file(const DownloadRequest& request, const std::filesystem::path& path,
                   const DownloadProgress&) {
  fail(ErrorCode::unsupported,
       "[download_file] {}: this build has no network; the program does it with `metalaudio models "
       "get`, or save it as {}",
       request.url, path.string());
}

std::string curl_version_text() { return "not built in"; }

}  // namespace metalaudio::repository
