#pragma once

#include <metalaudio/nn/io/state_file.h>

#include <cstddef>
#include <span>

namespace metalaudio::nn {

/// True if the bytes begin as a zip archive, the container of torch.save() since 1.6.
bool is_torch_zip(std::span<const std::byte> file) noexcept;

/// True if the bytes begin with the magic number of torch.save()'s older, legacy layout.
bool is_torch_legacy(std::span<const std::byte> file) noexcept;

/// Read a whole torch file: <name>/data.pkl and <name>/data/<key> in the zip, a row of pickles and
/// then the storages in the legacy layout.
/// Errors:   throw Error{invalid_data, unsupported} with the reason alone; load_state() adds
///           the file's name.
/// Source:   torch/serialization.py, _save() and _legacy_save().
StateFile parse_torch_zip(std::span<const std::byte> file, const StateOptions& options = {});
StateFile parse_torch_legacy(std::span<const std::byte> file, const StateOptions& options = {});

}  // namespace metalaudio::nn
