#pragma once

#include <metalaudio/core/tensor.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstring>
#include <string>

#include "bindings/python/src/arrays.h"

namespace metalaudio::python {

using AnyArray = nb::ndarray<nb::ro, nb::device::cpu, nb::c_contig>;
using AnyArrayOut = nb::ndarray<nb::device::cpu, nb::c_contig>;

/// numpy's name of a type; it has none for bfloat16.
inline std::string numpy_name(DataType type) {
  switch (type) {
    case DataType::f16:
      return "float16";
    case DataType::bf16:
      return "bfloat16";
    case DataType::f32:
      return "float32";
    case DataType::f64:
      return "float64";
    case DataType::i8:
      return "int8";
    case DataType::i16:
      return "int16";
    case DataType::i32:
      return "int32";
    case DataType::i64:
      return "int64";
    case DataType::u8:
      return "uint8";
    case DataType::u16:
      return "uint16";
    case DataType::u32:
      return "uint32";
    case DataType::u64:
      return "uint64";
    case DataType::boolean:
      return "bool";
  }
  return "";
}

template <typename Array>
DataType type_of(const Array& array) {
  constexpr DataType kAll[] = {DataType::f16, DataType::bf16, DataType::f32, DataType::f64,
                               DataType::i8,  DataType::i16,  DataType::i32, DataType::i64,
                               DataType::u8,  DataType::u16,  DataType::u32, DataType::u64};
  const nb::dlpack::dtype type = array.dtype();
  if (type.code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bool))
    return DataType::boolean;
  for (const DataType candidate : kAll) {
    const auto code = candidate == DataType::bf16 ? nb::dlpack::dtype_code::Bfloat
                      : is_floating(candidate)    ? nb::dlpack::dtype_code::Float
                      : is_signed(candidate)      ? nb::dlpack::dtype_code::Int
                                                  : nb::dlpack::dtype_code::UInt;
    if (type.code == static_cast<std::uint8_t>(code) && type.bits == 8 * size_of(candidate) &&
        type.lanes == 1)
      return candidate;
  }
  fail(ErrorCode::unsupported, "[metalaudio] an array of a type that no tensor holds");
}

template <typename Array>
Shape shape_of(const Array& array) {
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < array.ndim(); ++i)
    extents.push_back(static_cast<std::int64_t>(array.shape(i)));
  return Shape(std::span<const std::int64_t>(extents));
}

inline Tensor tensor_of(const AnyArray& array) {
  Tensor tensor(shape_of(array), type_of(array));
  if (array.size() > 0) std::memcpy(tensor.view().address(), array.data(), array.nbytes());
  return tensor;
}

/// Throws Error{invalid_argument} unless an array is what a port takes.
template <typename Array>
void check_port(const char* what, const std::string& name, const Array& array, DataType type,
                const Shape& shape) {
  const DataType given = type_of(array);
  const Shape extents = shape_of(array);
  if (given != type || extents != shape)
    fail(ErrorCode::invalid_argument, "[{}] {}: {}{}: expected {}{}", what, name, numpy_name(given),
         extents.to_string(), numpy_name(type), shape.to_string());
}

}  // namespace metalaudio::python
