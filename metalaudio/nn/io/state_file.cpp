#include <metalaudio/core/error.h>
#include <metalaudio/core/mapped_file.h>
#include <metalaudio/nn/io/safetensors.h>
#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/io/torch_file.h>

#include <new>

namespace metalaudio::nn {

namespace {

StateFile parse(std::span<const std::byte> file, const StateOptions& options) {
  if (is_torch_zip(file)) return parse_torch_zip(file, options);
  if (is_torch_legacy(file)) return parse_torch_legacy(file, options);
  if (is_safetensors(file)) return parse_safetensors(file, options);
  fail(ErrorCode::invalid_data, "neither a torch checkpoint nor a safetensors file");
}

}  // namespace

StateFile load_state(const std::filesystem::path& path, const StateOptions& options) {
  try {
    return parse(MappedFile(path).bytes(), options);
  } catch (const Error& error) {
    fail(error.code(), "[load_state] {}: {}", path.string(), error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "[load_state] {}: not enough memory", path.string());
  }
}

}  // namespace metalaudio::nn
