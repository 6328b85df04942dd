#include "bindings/c/guard.h"

#include <cstring>

namespace metalaudio::c {
namespace {

thread_local char last_error[1024] = "";

}  // namespace

void set_last_error(const char* text) noexcept {
  std::strncpy(last_error, text, sizeof(last_error) - 1);
}

metalaudio_status status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return METALAUDIO_INVALID_ARGUMENT;
    case ErrorCode::invalid_data:
      return METALAUDIO_INVALID_DATA;
    case ErrorCode::not_found:
      return METALAUDIO_NOT_FOUND;
    case ErrorCode::unsupported:
      return METALAUDIO_UNSUPPORTED;
    case ErrorCode::io:
      return METALAUDIO_IO;
    case ErrorCode::backend_unavailable:
      return METALAUDIO_BACKEND_UNAVAILABLE;
    case ErrorCode::out_of_memory:
      return METALAUDIO_OUT_OF_MEMORY;
    case ErrorCode::cancelled:
      return METALAUDIO_CANCELLED;
  }
  return METALAUDIO_INTERNAL;
}

nn::Precision precision_of(metalaudio_precision precision, const char* function) {
  switch (precision) {
    case METALAUDIO_FP32:
      return nn::Precision::fp32;
    case METALAUDIO_BF16:
      return nn::Precision::bf16;
    case METALAUDIO_TF32:
      return nn::Precision::tf32;
    case METALAUDIO_FP16:
      return nn::Precision::fp16;
    case METALAUDIO_AUTO_PRECISION:
      return nn::Precision::automatic;
  }
  fail(ErrorCode::invalid_argument, "[{}] there is no precision {}", function,
       static_cast<int>(precision));
}

}  // namespace metalaudio::c

const char* metalaudio_version(void) { return METALAUDIO_VERSION; }

const char* metalaudio_last_error(void) { return metalaudio::c::last_error; }

const char* metalaudio_status_name(metalaudio_status status) {
  switch (status) {
    case METALAUDIO_OK:
      return "ok";
    case METALAUDIO_INVALID_ARGUMENT:
      return "invalid_argument";
    case METALAUDIO_INVALID_DATA:
      return "invalid_data";
    case METALAUDIO_NOT_FOUND:
      return "not_found";
    case METALAUDIO_UNSUPPORTED:
      return "unsupported";
    case METALAUDIO_IO:
      return "io";
    case METALAUDIO_BACKEND_UNAVAILABLE:
      return "backend_unavailable";
    case METALAUDIO_OUT_OF_MEMORY:
      return "out_of_memory";
    case METALAUDIO_CANCELLED:
      return "cancelled";
    case METALAUDIO_INTERNAL:
      break;
  }
  return "internal";
}
