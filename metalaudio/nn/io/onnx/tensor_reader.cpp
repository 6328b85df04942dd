#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/narrow_types.h>
#include <metalaudio/nn/io/onnx/tensor_reader.h>
#include <onnx/onnx_pb.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

namespace metalaudio::nn {

namespace {

Shape shape_of(const onnx::TensorProto& proto) {
  if (proto.dims_size() > static_cast<int>(Shape::kMaxRank)) {
    fail(ErrorCode::unsupported, "tensor {}: {} axes, at most {}", proto.name(), proto.dims_size(),
         Shape::kMaxRank);
  }
  try {
    return Shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  } catch (const Error& error) {
    fail(ErrorCode::invalid_data, "tensor {}: {}", proto.name(), error.what());
  }
}

/// Copies one of the typed fields, as many values as the shape has.
template <typename To, typename Field, typename Convert>
void fill(const onnx::TensorProto& proto, const Field& field, Tensor& tensor, Convert convert) {
  const std::span<To> to = tensor.values_as<To>();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = convert(field.Get(static_cast<int>(i)));
  static_cast<void>(proto);
}

/// How many values the typed field of a type has.
std::int64_t field_size(const onnx::TensorProto& proto, DataType type) {
  switch (type) {
    case DataType::f32:
      return proto.float_data_size();
    case DataType::f64:
      return proto.double_data_size();
    case DataType::i64:
      return proto.int64_data_size();
    case DataType::u32:
    case DataType::u64:
      return proto.uint64_data_size();
    default:
      return proto.int32_data_size();
  }
}

void fill_from_fields(const onnx::TensorProto& proto, Tensor& tensor) {
  visit_type(tensor.type(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_same_v<T, float>) {
      fill<T>(proto, proto.float_data(), tensor, [](float v) { return v; });
    } else if constexpr (std::is_same_v<T, double>) {
      fill<T>(proto, proto.double_data(), tensor, [](double v) { return v; });
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      fill<T>(proto, proto.int64_data(), tensor, [](std::int64_t v) { return v; });
    } else if constexpr (std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>) {
      fill<T>(proto, proto.uint64_data(), tensor,
              [](std::uint64_t v) { return static_cast<T>(v); });
    } else if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
      fill<T>(proto, proto.int32_data(), tensor, [](std::int32_t v) {
        T half;
        half.bits = static_cast<std::uint16_t>(v);
        return half;
      });
    } else if constexpr (std::is_same_v<T, bool>) {
      fill<T>(proto, proto.int32_data(), tensor, [](std::int32_t v) { return v != 0; });
    } else {
      fill<T>(proto, proto.int32_data(), tensor, [](std::int32_t v) { return static_cast<T>(v); });
    }
  });
}

void fill_from_bytes(std::span<const std::byte> bytes, Tensor& tensor) {
  if (tensor.type() == DataType::boolean) {  // any byte but 0 is true, and a bool must be 0 or 1
    const std::span<bool> to = tensor.values_as<bool>();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = bytes[i] != std::byte{0};
  } else if (!bytes.empty()) {
    std::memcpy(tensor.view().address(), bytes.data(), bytes.size());
  }
}

/// As many values a byte as have room, the first in the lowest bits.
void fill_narrow(std::span<const std::byte> bytes, const NarrowType& type, Tensor& tensor) {
  const std::size_t together = 8 / type.bits;
  visit_type(tensor.type(), [&]<typename T>(std::type_identity<T>) {
    const std::span<T> to = tensor.values_as<T>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const unsigned all = std::to_integer<unsigned>(bytes[i / together]);
      const unsigned shift = static_cast<unsigned>(i % together) * type.bits;
      const double value = type.decode(all >> shift & ((1U << type.bits) - 1));
      if constexpr (sizeof(T) == 2 && !std::is_integral_v<T>) {
        to[i] = T(static_cast<float>(value));
      } else {
        to[i] = static_cast<T>(value);
      }
    }
  });
}

std::uint64_t number_of(const std::string& key, const std::string& text, const std::string& name) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    fail(ErrorCode::invalid_data, "tensor {}: external {} is \"{}\"", name, key, text);
  }
  return value;
}

}  // namespace

std::optional<DataType> data_type_of(int onnx_type) {
  using P = onnx::TensorProto;
  if (const NarrowType* narrow = narrow_type(onnx_type)) return narrow->kept_as;
  switch (onnx_type) {
    case P::FLOAT:
      return DataType::f32;
    case P::UINT8:
      return DataType::u8;
    case P::INT8:
      return DataType::i8;
    case P::UINT16:
      return DataType::u16;
    case P::INT16:
      return DataType::i16;
    case P::INT32:
      return DataType::i32;
    case P::INT64:
      return DataType::i64;
    case P::BOOL:
      return DataType::boolean;
    case P::FLOAT16:
      return DataType::f16;
    case P::DOUBLE:
      return DataType::f64;
    case P::UINT32:
      return DataType::u32;
    case P::UINT64:
      return DataType::u64;
    case P::BFLOAT16:
      return DataType::bf16;
    default:
      return std::nullopt;
  }
}

std::string onnx_type_name(int onnx_type) {
  constexpr const char* kNewer[] = {
      "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4",      "INT4",
      "FLOAT4E2M1",   "FLOAT8E8M0",     "UINT2",      "INT2",           "FLOAT6E2M3", "FLOAT6E3M2"};
  if (onnx_type >= 17 && onnx_type < 29) return kNewer[onnx_type - 17];
  if (!onnx::TensorProto::DataType_IsValid(onnx_type)) return fmt::format("type {}", onnx_type);
  return onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(onnx_type));
}

OnnxTensor TensorReader::read(const onnx::TensorProto& proto) {
  const std::optional<DataType> type = data_type_of(proto.data_type());
  if (!type) {
    return {nullptr,
            fmt::format("tensor {} is {}", proto.name(), onnx_type_name(proto.data_type()))};
  }
  const Shape shape = shape_of(proto);
  const auto count = static_cast<std::uint64_t>(shape.size());
  const NarrowType* narrow = narrow_type(proto.data_type());
  const int number = narrow != nullptr ? narrow->number : 0;
  if (count > std::numeric_limits<std::uint64_t>::max() / 16) {
    fail(ErrorCode::invalid_data, "tensor {}: {}", proto.name(), shape.to_string());
  }
  const std::uint64_t needed =
      narrow != nullptr ? (count * narrow->bits + 7) / 8 : count * size_of(*type);
  const bool outside = proto.data_location() == onnx::TensorProto::EXTERNAL;
  // What the file holds is measured before anything is allocated for it.
  if (outside || proto.has_raw_data()) {
    const std::optional<FileBytes> file = outside ? external(proto, needed) : std::nullopt;
    const auto bytes =
        file      ? file->bytes()
        : outside ? std::span<const std::byte>()
                  : std::as_bytes(std::span(proto.raw_data().data(), proto.raw_data().size()));
    if (bytes.size() != needed) {
      fail(ErrorCode::invalid_data, "tensor {}: {} bytes, {} has {}", proto.name(), bytes.size(),
           shape.to_string(), needed);
    }
    Tensor tensor(shape, *type);
    narrow != nullptr ? fill_narrow(bytes, *narrow, tensor) : fill_from_bytes(bytes, tensor);
    return {std::make_shared<const Tensor>(std::move(tensor)), {}, number};
  }
  const std::int64_t held = narrow != nullptr ? proto.int32_data_size() : field_size(proto, *type);
  if (static_cast<std::uint64_t>(held) != (narrow != nullptr ? needed : count)) {
    fail(ErrorCode::invalid_data, "tensor {}: {} values, {} has {}", proto.name(), held,
         shape.to_string(), count);
  }
  Tensor tensor(shape, *type);
  if (narrow != nullptr) {
    std::vector<std::byte> bytes;
    for (const std::int32_t some : proto.int32_data())
      bytes.push_back(static_cast<std::byte>(some));
    fill_narrow(bytes, *narrow, tensor);
  } else {
    fill_from_fields(proto, tensor);
  }
  return {std::make_shared<const Tensor>(std::move(tensor)), {}, number};
}

OnnxTensor TensorReader::read(const onnx::SparseTensorProto& proto) {
  const OnnxTensor values = read(proto.values());
  const OnnxTensor indices = read(proto.indices());
  if (!values.value || !indices.value || indices.value->type() != DataType::i64) {
    return {nullptr, fmt::format("sparse tensor {}: {}", proto.values().name(), values.trouble)};
  }
  onnx::TensorProto outline;
  outline.set_name(proto.values().name());
  *outline.mutable_dims() = proto.dims();
  const Shape shape = shape_of(outline);
  const std::size_t count = values.value->size();
  const std::size_t width = indices.value->shape().rank() == 2 ? shape.rank() : 1;
  if (indices.value->size() != count * width) {
    fail(ErrorCode::invalid_data, "sparse tensor {}: {} indices for {} values of {}",
         outline.name(), indices.value->size(), count, shape.to_string());
  }
  const std::size_t size = size_of(values.value->type());
  if (static_cast<std::size_t>(shape.size()) > sparse_bytes_ / size) {
    return {nullptr,
            fmt::format("sparse tensor {} is {}, too large", outline.name(), shape.to_string())};
  }
  sparse_bytes_ -= static_cast<std::size_t>(shape.size()) * size;
  Tensor tensor(shape, values.value->type());
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < width; ++axis) {
      const std::int64_t index = indices.value->values_as<std::int64_t>()[i * width + axis];
      const std::int64_t extent = width == 1 ? shape.size() : shape[axis];
      if (index < 0 || index >= extent) {
        fail(ErrorCode::invalid_data, "sparse tensor {}: index {} of {}", outline.name(), index,
             shape.to_string());
      }
      at = at * extent + index;
    }
    std::memcpy(tensor.view().address() + static_cast<std::size_t>(at) * size,
                values.value->view().address() + i * size, size);
  }
  return {std::make_shared<const Tensor>(std::move(tensor)), {}};
}

/// Nothing for a tensor without elements.
std::optional<FileBytes> TensorReader::external(const onnx::TensorProto& proto, std::size_t bytes) {
  std::string location;
  std::uint64_t offset = 0;
  std::uint64_t length = bytes;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number_of("offset", entry.value(), proto.name());
    if (entry.key() == "length") length = number_of("length", entry.value(), proto.name());
  }
  if (bytes == 0) return std::nullopt;
  if (location.empty()) {
    fail(ErrorCode::invalid_data, "tensor {}: external, without a location", proto.name());
  }
  if (length != bytes) {
    fail(ErrorCode::invalid_data, "tensor {}: {} bytes of external data, it has {}", proto.name(),
         length, bytes);
  }
  const std::filesystem::path& file = find(location);
  try {
    return FileBytes(FileReader(file), offset, length);
  } catch (const Error& error) {
    fail(error.code(), "tensor {}: external data {}: {}", proto.name(), location, error.what());
  }
}

const std::filesystem::path& TensorReader::find(std::string_view location) {
  if (const auto found = files_.find(location); found != files_.end()) return found->second;
  namespace fs = std::filesystem;
  if (folder_.empty()) {
    fail(ErrorCode::invalid_data, "external data {}: the model was not read from a file", location);
  }
  const fs::path relative(location);
  std::error_code trouble;
  const fs::path home = fs::weakly_canonical(folder_, trouble);
  const fs::path file = trouble ? fs::path() : fs::weakly_canonical(folder_ / relative, trouble);
  if (trouble) fail(ErrorCode::io, "external data {}: {}", location, trouble.message());
  // After links and ".." are followed, so that neither leads out.
  const auto [end, rest] = std::mismatch(home.begin(), home.end(), file.begin(), file.end());
  if (relative.is_absolute() || end != home.end() || rest == file.end()) {
    fail(ErrorCode::invalid_data, "external data {}: outside the model's folder", location);
  }
  return files_.try_emplace(std::string(location), file).first->second;
}

}  // namespace metalaudio::nn
