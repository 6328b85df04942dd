#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/nn/io/npy.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;  // of the data, as NumPy writes it

struct TypeName {
  std::string_view name;
  DataType type;
};
constexpr std::array kTypes{
    TypeName{"f2", DataType::f16},    TypeName{"V2", DataType::bf16}, TypeName{"f4", DataType::f32},
    TypeName{"f8", DataType::f64},    TypeName{"i1", DataType::i8},   TypeName{"i2", DataType::i16},
    TypeName{"i4", DataType::i32},    TypeName{"i8", DataType::i64},  TypeName{"u1", DataType::u8},
    TypeName{"u2", DataType::u16},    TypeName{"u4", DataType::u32},  TypeName{"u8", DataType::u64},
    TypeName{"b1", DataType::boolean}};

/// What the header's dictionary says; it is Python's text of a dictionary of these three keys.
struct Header {
  DataType type = DataType::f32;
  bool swapped = false;
  bool fortran = false;
  Shape shape = {};
};

/// What follows `key` and its colon.
std::string_view entry(std::string_view text, std::string_view key) {
  std::size_t at = text.find(key);
  if (at == std::string_view::npos) fail(ErrorCode::invalid_data, "the header has no {}", key);
  at += key.size();
  while (at < text.size() && (text[at] == ' ' || text[at] == ':')) ++at;
  return text.substr(at);
}

void read_type(std::string_view text, Header& header) {
  if (text.size() < 5 || (text[0] != '\'' && text[0] != '"')) {
    fail(ErrorCode::unsupported, "elements of several parts");
  }
  const std::string_view name = text.substr(1, text.find(text[0], 1) - 1);
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& one) {
    return name.size() == 3 && name.substr(1) == one.name;
  });
  if (found == kTypes.end()) fail(ErrorCode::unsupported, "elements of type {}", name);
  header.type = found->type;
  const bool little = std::endian::native == std::endian::little;
  header.swapped = size_of(header.type) > 1 && (little ? name[0] == '>' : name[0] == '<');
}

Shape read_shape(std::string_view text) {
  const std::size_t end = text.find(')');
  if (text.empty() || text[0] != '(' || end == std::string_view::npos) {
    fail(ErrorCode::invalid_data, "a shape that cannot be read");
  }
  std::vector<std::int64_t> extents;
  std::string_view rest = text.substr(1, end - 1);
  while (!rest.empty()) {
    if (rest[0] == ' ' || rest[0] == ',') {
      rest.remove_prefix(1);
      continue;
    }
    std::int64_t extent = 0;
    const auto [after, code] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
    if (code != std::errc() || extent < 0)
      fail(ErrorCode::invalid_data, "a shape that cannot be read");
    rest.remove_prefix(static_cast<std::size_t>(after - rest.data()));
    extents.push_back(extent);
  }
  if (extents.size() > Shape::kMaxRank) {
    fail(ErrorCode::unsupported, "{} axes, at most {}", extents.size(), Shape::kMaxRank);
  }
  try {
    return Shape(extents);
  } catch (const Error& error) {
    fail(ErrorCode::invalid_data, "{}", error.what());
  }
}

/// The header, and where the data begins.
Header read_header(std::span<const std::byte> bytes, std::size_t& start) {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  if (bytes.size() < 12 || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    fail(ErrorCode::invalid_data, "not a .npy file");
  }
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) fail(ErrorCode::unsupported, "format {}", version);
  const std::size_t first = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8U;
  if (version > 1) length |= byte(10) << 16U | byte(11) << 24U;
  if (length > bytes.size() - first) fail(ErrorCode::invalid_data, "the header is cut off");
  start = first + length;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + first, length);
  Header header;
  read_type(entry(text, "'descr'"), header);
  header.fortran = entry(text, "'fortran_order'").starts_with("True");
  header.shape = read_shape(entry(text, "'shape'"));
  return header;
}

/// Copies elements of `size` bytes, turned round where the file has the other order of bytes.
void copy_element(const std::byte* from, std::byte* to, std::size_t size, bool swapped) {
  std::memcpy(to, from, size);
  if (swapped) std::reverse(to, to + size);
}

/// The place in row-major order of every element in column-major order, one after the other.
class ColumnMajor {
 public:
  explicit ColumnMajor(const Shape& shape) : shape_(shape), strides_(shape.rank(), 1) {
    for (std::size_t axis = shape.rank(); axis-- > 1;) {
      strides_[axis - 1] = strides_[axis] * static_cast<std::size_t>(shape[axis]);
    }
  }

  std::size_t next() {
    const std::size_t place = place_;
    for (std::size_t axis = 0; axis < shape_.rank(); ++axis) {
      place_ += strides_[axis];
      if (++index_[axis] < shape_[axis]) break;
      place_ -= strides_[axis] * static_cast<std::size_t>(shape_[axis]);
      index_[axis] = 0;
    }
    return place;
  }

 private:
  Shape shape_;
  std::vector<std::size_t> strides_;
  std::array<std::int64_t, Shape::kMaxRank> index_{};
  std::size_t place_ = 0;
};

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes) {
  std::size_t start = 0;
  const Header header = read_header(bytes, start);
  const std::span<const std::byte> data = bytes.subspan(start);
  const std::size_t size = size_of(header.type);
  const auto count = static_cast<std::size_t>(header.shape.size());
  if (count > data.size() / size || data.size() != count * size) {
    fail(ErrorCode::invalid_data, "{} bytes, {} has {} elements of {}", data.size(),
         header.shape.to_string(), count, size);
  }
  Tensor tensor(header.shape, header.type);
  std::byte* const to = tensor.view().address();
  ColumnMajor places(header.shape);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = header.fortran ? places.next() : i;
    copy_element(data.data() + i * size, to + place * size, size, header.swapped);
    if (header.type == DataType::boolean) to[place] = std::byte{to[place] != std::byte{0}};
  }
  return tensor;
}

Tensor load_npy(const std::filesystem::path& path) {
  try {
    return parse_npy(FileBytes(path).bytes());
  } catch (const Error& error) {
    fail(error.code(), "[load_npy] {}: {}", path.string(), error.what());
  }
}

void save_npy(const std::filesystem::path& path, const ConstTensorView& tensor) {
  Tensor wide;
  ConstTensorView data = tensor;
  if (tensor.type() == DataType::bf16) {
    wide = Tensor(tensor.shape());
    const auto from = tensor.values_as<BFloat16>();
    std::transform(from.begin(), from.end(), wide.values().begin(),
                   [](BFloat16 value) { return static_cast<float>(value); });
    data = wide.view();
  }
  const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const TypeName& one) { return one.type == data.type(); });
  const char order = size_of(data.type()) == 1                    ? '|'
                     : std::endian::native == std::endian::little ? '<'
                                                                  : '>';
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   order, type->name, fmt::join(data.shape().extents(), ", "),
                                   data.shape().rank() == 1 ? "," : "");
  const std::size_t before = kMagic.size() + 4;
  header.append(kAlignment - (before + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << kMagic << '\x01' << '\x00' << static_cast<char>(header.size() & 0xFFU)
       << static_cast<char>(header.size() >> 8U) << header;
  file.write(reinterpret_cast<const char*>(data.address()),
             static_cast<std::streamsize>(data.bytes()));
  file.close();
  if (!file) fail(ErrorCode::io, "[save_npy] {} cannot be written", path.string());
}

}  // namespace metalaudio::nn
