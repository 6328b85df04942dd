#pragma once

#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <cstddef>
#include <filesystem>
#include <span>

namespace metalaudio::nn {

/// True if the bytes begin as a safetensors file does.
bool is_safetensors(std::span<const std::byte> file) noexcept;

/// Reads a whole safetensors file, with any metadata or none.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone; load_state() adds
///           the file's name.
/// Source:   https://huggingface.co/docs/safetensors (format).
StateFile parse_safetensors(std::span<const std::byte> file, const StateOptions& options = {});

/// Writes one; it appears under its name only when complete. Metadata that is no text is written
/// as JSON text, as the format wants it. float32 tensors are rounded to type, DataType::f32 or f16;
/// others are written as they are.
/// Errors:   throws Error{io, invalid_argument}.
/// Threads:  any; offline.
void save_safetensors(const std::filesystem::path& path, const StateFile& file,
                      DataType type = DataType::f32);

}  // namespace metalaudio::nn
