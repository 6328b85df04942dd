#include "apps/terminal/failure_text.h"

#include <filesystem>
#include <new>
#include <string_view>

#include "apps/terminal/display_text.h"

namespace metalaudio::apps {
namespace {

std::string_view without_operation(std::string_view message) {
  if (!message.starts_with('[')) return message;
  const std::size_t end = message.find("] ");
  return end == std::string_view::npos ? message : message.substr(end + 2);
}

/// "a.wav: no audio" and "cannot read a.wav" name a.wav, "data.wav: no audio" does not.
bool names(std::string_view text, std::string_view subject) {
  const std::size_t at = text.find(subject);
  return at != std::string_view::npos && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '"');
}

}  // namespace

std::string failure_text(const std::string& subject, const std::string& message) {
  std::string text(without_operation(message));
  if (!subject.empty() && !names(text, subject)) text = subject + ": " + text;
  // A file name or a tensor name may hold anything.
  return display_text(text);
}

std::string reason_of(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "not enough memory";
  const auto* files = dynamic_cast<const std::filesystem::filesystem_error*>(&error);
  if (files == nullptr) return error.what();
  return files->path1().string() + ": " + files->code().message();
}

}  // namespace metalaudio::apps
