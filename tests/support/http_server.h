#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace metalaudio {

/// What a client asked for: "/name", and the first byte of its Range, if it sent one.
struct HttpRequest {
  std::string path;
  std::optional<std::uint64_t> range_begin;
};

/// What to send back, faults included.
struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string headers;                        ///< each ends in "\r\n"
  std::size_t cut_after = std::string::npos;  ///< closes the connection after so many bytes of body
};

/// A server on the loopback interface for one test: one connection at a time, one request on each.
class HttpServer {
 public:
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:34567/"
  std::string url() const;
  std::vector<HttpRequest> requests() const;

 private:
  void serve();
  void answer(int client);

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;  // guarded by mutex_
  std::thread thread_;
};

/// Answers a request for these bytes as a server that knows ranges does.
HttpAnswer answer_range(const HttpRequest& request, const std::string& content);

}  // namespace metalaudio
