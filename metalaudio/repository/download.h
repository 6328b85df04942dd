#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace metalaudio::repository {

/// Called now and then while a file arrives; returning false stops it.
using DownloadProgress = std::function<bool(std::uint64_t bytes, std::uint64_t total)>;

/// What to fetch, and what it must turn out to be.
struct DownloadRequest {
  std::string url;  ///< http or https
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// Fetches a file to `path`, which appears only once its size and SHA-256 are right. What has
/// arrived so far stays in `path`.part, and the next call goes on from there.
/// Errors:   throws Error{io} (no answer, cut off, disk full), {not_found} (HTTP 404),
///           {invalid_data} (not the expected file: what had arrived is deleted), {cancelled}.
/// Threads:  any; of two processes that fetch the same file the second fails with Error{io}.
void download_file(const DownloadRequest& request, const std::filesystem::path& path,
                   const DownloadProgress& progress = {});

/// The version of libcurl, as it is at run time.
std::string curl_version_text();

}  // namespace metalaudio::repository
