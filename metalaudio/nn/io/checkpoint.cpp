#include <metalaudio/core/error.h>
#include <metalaudio/core/mapped_file.h>
#include <metalaudio/nn/io/checkpoint.h>
#include <metalaudio/nn/io/safetensors.h>
#include <metalaudio/nn/io/torch_file.h>

#include <new>

namespace metalaudio::nn {

namespace {

Checkpoint parse(std::span<const std::byte> file, CheckpointPart part) {
  if (is_torch_zip(file)) return parse_torch_zip(file, part);
  if (is_torch_legacy(file)) return parse_torch_legacy(file, part);
  if (is_safetensors(file)) return parse_safetensors(file, part);
  fail(ErrorCode::invalid_data, "neither a torch checkpoint nor a safetensors file");
}

}  // namespace

Checkpoint load_checkpoint(const std::filesystem::path& path, CheckpointPart part) {
  try {
    return parse(MappedFile(path).bytes(), part);
  } catch (const Error& error) {
    fail(error.code(), "[load_checkpoint] {}: {}", path.string(), error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "[load_checkpoint] {}: not enough memory", path.string());
  }
}

}  // namespace metalaudio::nn
