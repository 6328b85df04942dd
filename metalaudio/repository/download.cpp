#include <curl/curl.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <metalaudio/repository/download.h>
#include <metalaudio/repository/part_file.h>
#include <metalaudio/repository/sha256.h>

#include <exception>
#include <memory>

namespace metalaudio::repository {

namespace {

constexpr int kAttempts = 3;
constexpr long kConnectSeconds = 30;
constexpr long kStallSeconds = 30;
constexpr long kHttpPartial = 206;

/// One HTTP request that appends what arrives to the part that is there.
class Transfer {
 public:
  Transfer(const DownloadRequest& request, PartFile& part, const DownloadProgress& progress)
      : request_(request), part_(part), progress_(progress) {
    if (!curl_) fail(ErrorCode::io, "[download_file] libcurl cannot be started");
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 5L);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    set(CURLOPT_USERAGENT, "metalaudio");
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  }

  /// True if the transfer was cut off, so that going on from there may help.
  bool run() {
    const std::string range = fmt::format("{}-", part_.size());
    set(CURLOPT_RANGE, part_.size() > 0 ? range.c_str() : nullptr);
    answered_ = false;
    const CURLcode result = curl_easy_perform(curl_.get());
    if (failure_) std::rethrow_exception(failure_);
    if (result == CURLE_OK) return part_.size() < request_.bytes;
    if (result == CURLE_HTTP_RETURNED_ERROR) fail_with_status();
    if (result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING) {
      return true;
    }
    fail(ErrorCode::io, "[download_file] {}: {}", request_.url, curl_easy_strerror(result));
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_.get(), option, value);
  }

  long status() const {
    long code = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  [[noreturn]] void fail_with_status() const {
    const long code = status();
    fail(code == 404 ? ErrorCode::not_found : ErrorCode::io,
         "[download_file] {}: the server answers {}", request_.url, code);
  }

  void append(std::span<const char> bytes) {
    // A server may ignore the range and send everything from the start.
    if (!answered_ && status() != kHttpPartial) part_.clear();
    answered_ = true;
    if (part_.size() + bytes.size() > request_.bytes) {
      part_.clear();
      fail(ErrorCode::invalid_data, "[download_file] {}: more than the expected {}", request_.url,
           counted(request_.bytes, "byte"));
    }
    part_.append(bytes);
  }

  void report() const {
    if (progress_ && !progress_(part_.size(), request_.bytes)) {
      fail(ErrorCode::cancelled, "[download_file] {}: stopped after {} of {}", request_.url,
           part_.size(), counted(request_.bytes, "byte"));
    }
  }

  /// Exceptions must not pass through libcurl: they wait in failure_.
  template <typename Call>
  bool guarded(Call&& call) noexcept {
    try {
      call();
      return true;
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }

  static std::size_t on_bytes(const char* data, std::size_t, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.guarded([&] { transfer.append({data, count}); }) ? count : 0;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.guarded([&] { transfer.report(); }) ? 0 : 1;
  }

  const DownloadRequest& request_;
  PartFile& part_;
  const DownloadProgress& progress_;
  std::unique_ptr<CURL, void (*)(CURL*)> curl_{curl_easy_init(), curl_easy_cleanup};
  std::exception_ptr failure_;
  bool answered_ = false;
};

void fetch(const DownloadRequest& request, PartFile& part, const DownloadProgress& progress) {
  if (part.size() > request.bytes) part.clear();
  for (int attempt = 0; attempt < kAttempts && part.size() < request.bytes; ++attempt) {
    if (!Transfer(request, part, progress).run()) return;
  }
  if (part.size() < request.bytes) {
    fail(ErrorCode::io,
         "[download_file] {}: cut off after {} of {}; the next attempt goes on from there",
         request.url, part.size(), counted(request.bytes, "byte"));
  }
}

}  // namespace

void download_file(const DownloadRequest& request, const std::filesystem::path& path,
                   const DownloadProgress& progress) {
  auto part_path = path;
  part_path += ".part";
  PartFile part(part_path);
  fetch(request, part, progress);
  const std::string sha256 = sha256_of_file(part_path);
  std::error_code failed;
  if (sha256 != request.sha256) {
    std::filesystem::remove(part_path, failed);
    fail(ErrorCode::invalid_data,
         "[download_file] {}: its SHA-256 is {}, expected {}; it has been deleted", request.url,
         sha256, request.sha256);
  }
  std::filesystem::rename(part_path, path, failed);
  if (failed) fail(ErrorCode::io, "[download_file] {}: {}", path.string(), failed.message());
}

std::string curl_version_text() { return curl_version_info(CURLVERSION_NOW)->version; }

}  // namespace metalaudio::repository
