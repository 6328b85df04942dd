#pragma once

#include <metalaudio/nn/io/checkpoint.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <cstddef>
#include <filesystem>
#include <span>

namespace metalaudio::nn {

/// True if the bytes begin as a safetensors file does.
bool is_safetensors(std::span<const std::byte> file) noexcept;

/// Reads a whole safetensors file whose metadata holds klass, args and kwargs as JSON, the layout
/// of upstream's official files.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone; load_checkpoint() adds
///           the file's name.
/// Source:   https://huggingface.co/docs/safetensors (format).
Checkpoint parse_safetensors(std::span<const std::byte> file,
                             CheckpointPart part = CheckpointPart::whole);

/// Writes a checkpoint in the same layout; it appears under its name only when complete.
/// type is ElementType::f32 or ElementType::f16, to which values are rounded.
/// Errors:   throws Error{io, invalid_argument}.
/// Threads:  any; offline.
void save_safetensors(const std::filesystem::path& path, const Checkpoint& checkpoint,
                      ElementType type = ElementType::f32);

}  // namespace metalaudio::nn
