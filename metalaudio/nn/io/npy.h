#pragma once

#include <metalaudio/core/tensor.h>

#include <cstddef>
#include <filesystem>
#include <span>

namespace metalaudio::nn {

/// Reads NumPy's .npy, format 1.0 to 3.0: numbers and booleans, either byte order, C or Fortran
/// order. Two bytes without a type ("V2") are bfloat16, as NumPy writes what it does not know.
/// Errors:   throws Error{invalid_data, unsupported}; the file's also Error{not_found, io}, with
///           its name.
Tensor parse_npy(std::span<const std::byte> bytes);
Tensor load_npy(const std::filesystem::path& path);

/// Writes format 1.0 in C order. bfloat16, which NumPy has not, is written as float32.
/// Errors:   throws Error{io}.
void save_npy(const std::filesystem::path& path, const ConstTensorView& tensor);

}  // namespace metalaudio::nn
