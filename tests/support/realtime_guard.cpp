#include <execinfo.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "realtime_guard.h"

namespace metalaudio::testing {

namespace {

thread_local RealtimeGuard* current_guard = nullptr;

void print_backtrace(const char* function) {
  std::array<void*, 32> frames;
  const int depth = backtrace(frames.data(), static_cast<int>(frames.size()));
  std::fprintf(stderr, "[RealtimeGuard] %s called from:\n", function);
  backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
}

}  // namespace

RealtimeGuard::RealtimeGuard(OnViolation on_violation) noexcept
    : on_violation_(on_violation), outer_(current_guard) {
  current_guard = this;
}

RealtimeGuard::~RealtimeGuard() {
  current_guard = outer_;
  if (violations_ == 0 || on_violation_ == OnViolation::count) return;
  const Suspend suspend;
  ADD_FAILURE() << "[RealtimeGuard] " << violations_ << " violations: " << names();
}

bool RealtimeGuard::saw(std::string_view function) const noexcept {
  return std::any_of(names_.begin(), names_.begin() + std::min(violations_, kNamesKept),
                     [function](const char* name) { return function == name; });
}

std::string RealtimeGuard::names() const {
  std::string joined;
  for (std::size_t i = 0; i < std::min(violations_, kNamesKept); ++i) {
    joined += (i == 0 ? "" : ", ") + std::string(names_[i]);
  }
  return joined + (violations_ > kNamesKept ? ", …" : "");
}

void RealtimeGuard::note(const char* function) noexcept {
  RealtimeGuard* const guard = current_guard;
  if (guard == nullptr) return;
  const Suspend suspend;
  if (guard->violations_ < kNamesKept) guard->names_[guard->violations_] = function;
  ++guard->violations_;
  static const bool print = std::getenv("METALAUDIO_REALTIME_BACKTRACE") != nullptr;
  if (print) print_backtrace(function);
}

RealtimeGuard::Suspend::Suspend() noexcept : suspended_(current_guard) { current_guard = nullptr; }

RealtimeGuard::Suspend::~Suspend() { current_guard = suspended_; }

}  // namespace metalaudio::testing
