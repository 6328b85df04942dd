#pragma once

#include <metalaudio/core/error.h>
#include <metalaudio/nn/precision.h>

#include <cstddef>
#include <exception>
#include <new>

#include "bindings/c/metalaudio.h"

namespace metalaudio::c {

/// What metalaudio_last_error() says on this thread. A fixed array: nothing is allocated.
void set_last_error(const char* text) noexcept;
metalaudio_status status_of(ErrorCode code) noexcept;

/// Runs a call and makes a status of what it throws.
template <typename Call>
metalaudio_status guarded(Call&& call) noexcept {
  set_last_error("");
  try {
    call();
    return METALAUDIO_OK;
  } catch (const Error& error) {
    set_last_error(error.what());
    return status_of(error.code());
  } catch (const std::bad_alloc&) {
    set_last_error("[metalaudio] out of memory");
    return METALAUDIO_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return METALAUDIO_INTERNAL;
  } catch (...) {
    set_last_error("[metalaudio] an exception of an unknown kind");
    return METALAUDIO_INTERNAL;
  }
}

/// Throws Error{invalid_argument} for a NULL.
template <typename T>
T& need(T* pointer, const char* function, const char* name) {
  if (pointer == nullptr) fail(ErrorCode::invalid_argument, "[{}] {} is NULL", function, name);
  return *pointer;
}

/// The same for an array whose elements are needed too, unless there are no frames.
template <typename T>
void need_channels(T* const* channels, std::size_t count, std::size_t frames, const char* function,
                   const char* name) {
  need(channels, function, name);
  for (std::size_t c = 0; c < count && frames > 0; ++c)
    if (channels[c] == nullptr)
      fail(ErrorCode::invalid_argument, "[{}] {}[{}] is NULL", function, name, c);
}

inline void need_count(std::size_t given, std::size_t expected, const char* function,
                       const char* what) {
  if (given != expected)
    fail(ErrorCode::invalid_argument, "[{}] {} {}: expected {}", function, given, what, expected);
}

/// Errors:   throws Error{invalid_argument} for a number that is none of the enumeration.
nn::Precision precision_of(metalaudio_precision precision, const char* function);

}  // namespace metalaudio::c
