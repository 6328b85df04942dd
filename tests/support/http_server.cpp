#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <stdexcept>

#include <algorithm>
#include <string_view>

namespace metalaudio {

namespace {

constexpr std::size_t kMaxRequest = 8192;

std::string read_request(int client) {
  std::string text;
  char block[1024];
  while (text.find("\r\n\r\n") == std::string::npos && text.size() < kMaxRequest) {
    const ssize_t count = ::recv(client, block, sizeof block, 0);
    if (count <= 0) break;
    text.append(block, static_cast<std::size_t>(count));
  }
  return text;
}

HttpRequest parse(const std::string& text) {
  HttpRequest request;
  const std::size_t begin = text.find(' ') + 1;
  request.path = text.substr(begin, text.find(' ', begin) - begin);
  constexpr std::string_view kRange = "Range: bytes=";
  const std::size_t range = text.find(kRange);
  if (range != std::string::npos) {
    request.range_begin = std::stoull(text.substr(range + kRange.size()));
  }
  return request;
}

void send_all(int client, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("no server on the loopback interface");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  for (int client = ::accept(listener_, nullptr, nullptr); client >= 0;
       client = ::accept(listener_, nullptr, nullptr)) {
    answer(client);
    ::close(client);
  }
}

void HttpServer::answer(int client) {
  const HttpRequest request = parse(read_request(client));
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const HttpAnswer reply = handler_(request);
  send_all(client, "HTTP/1.1 " + std::to_string(reply.status) + " -\r\nConnection: close\r\n" +
                       reply.headers + "Content-Length: " + std::to_string(reply.body.size()) +
                       "\r\n\r\n");
  send_all(client, std::string_view(reply.body).substr(0, reply.cut_after));
}

HttpAnswer answer_range(const HttpRequest& request, const std::string& content) {
  if (!request.range_begin) return {200, content, "", std::string::npos};
  const std::size_t begin = std::min<std::size_t>(*request.range_begin, content.size());
  return {206, content.substr(begin),
          "Content-Range: bytes " + std::to_string(begin) + "-" +
              std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n",
          std::string::npos};
}

}  // namespace metalaudio
