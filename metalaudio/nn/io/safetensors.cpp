#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/json_text.h>
#include <metalaudio/nn/io/safetensors.h>
#include <metalaudio/nn/io/stored_state.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace metalaudio::nn {

namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeaderBytes = 16U << 20U;  // upstream's own are near 60 KiB
/// Of a tensor that is converted, at a time: they stay in the cache.
constexpr std::size_t kReadBytes = 256U << 10U;
constexpr const char* kMetadata = "__metadata__";

struct Entry {
  std::string name;
  DataType type = DataType::f32;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct TypeName {
  const char* name;
  DataType type;
};
constexpr std::array<TypeName, 13> kTypeNames{{{"F64", DataType::f64},
                                               {"F32", DataType::f32},
                                               {"F16", DataType::f16},
                                               {"BF16", DataType::bf16},
                                               {"I64", DataType::i64},
                                               {"I32", DataType::i32},
                                               {"I16", DataType::i16},
                                               {"I8", DataType::i8},
                                               {"U64", DataType::u64},
                                               {"U32", DataType::u32},
                                               {"U16", DataType::u16},
                                               {"U8", DataType::u8},
                                               {"BOOL", DataType::boolean}}};

std::uint64_t header_bytes(std::span<const std::byte> file) noexcept {
  std::uint64_t bytes = 0;
  if (file.size() >= sizeof bytes) std::memcpy(&bytes, file.data(), sizeof bytes);
  return bytes;
}

std::vector<std::int64_t> sizes(const json& list, const std::string& name, const char* what) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto is_size = [](const json& item) {
    return item.is_number_unsigned() && item.get<std::uint64_t>() <= kLargest;
  };
  if (!list.is_array() || list.size() > 16 || !std::all_of(list.begin(), list.end(), is_size)) {
    fail(ErrorCode::invalid_data, "tensor '{}' has a {} that is not a short list of sizes",
         printable(name), what);
  }
  return list.get<std::vector<std::int64_t>>();
}

DataType data_type(const json& value, const std::string& name) {
  const std::string text = value.is_string()
                               ? value.get<std::string>()
                               : value.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto* const found = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                         [&](const TypeName& t) { return t.name == text; });
  if (found == kTypeNames.end()) {
    fail(ErrorCode::unsupported, "tensor '{}' has type {}, which is not supported", printable(name),
         printable(text));
  }
  return found->type;
}

Entry parse_entry(const std::string& name, const json& value) {
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets")) {
    fail(ErrorCode::invalid_data, "tensor '{}' lacks dtype, shape or data_offsets",
         printable(name));
  }
  Entry entry;
  entry.name = name;
  entry.type = data_type(value["dtype"], name);
  entry.shape = checked_shape(sizes(value["shape"], name, "shape"), name);
  const auto offsets = sizes(value["data_offsets"], name, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fail(ErrorCode::invalid_data, "tensor '{}' has data_offsets that are not [begin, end]",
         printable(name));
  }
  entry.begin = static_cast<std::uint64_t>(offsets[0]);
  entry.end = static_cast<std::uint64_t>(offsets[1]);
  const std::uint64_t bytes = entry.end - entry.begin;
  const std::uint64_t each = size_of(entry.type);
  if (bytes % each != 0 || bytes / each != static_cast<std::uint64_t>(entry.shape.size())) {
    fail(ErrorCode::invalid_data, "tensor '{}' of shape {} has {} bytes of data", printable(name),
         entry.shape.to_string(), bytes);
  }
  return entry;
}

/// The format wants the data covered once, without holes.
void check_layout(std::vector<Entry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != position) {
      fail(ErrorCode::invalid_data, "tensor '{}' starts at byte {} of the data, expected {}",
           printable(entry.name), entry.begin, position);
    }
    position = entry.end;
  }
  if (position != data_bytes) {
    fail(ErrorCode::invalid_data, "the tensors need {} bytes of data, the file has {}", position,
         data_bytes);
  }
}

const char* type_name(DataType type) {
  return std::ranges::find(kTypeNames, type, &TypeName::type)->name;
}

DataType written_type(const Tensor& tensor, DataType type) {
  return tensor.type() == DataType::f32 ? type : tensor.type();
}

json header_of(const StateFile& file, DataType type) {
  json header = json::object();
  if (!file.metadata.empty()) {
    json& metadata = header[kMetadata] = json::object();
    for (const auto& [name, value] : file.metadata.items()) {
      metadata[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : file.state) {
    const DataType written = written_type(tensor, type);
    const std::uint64_t end = position + tensor.size() * size_of(written);
    const auto extents = tensor.shape().extents();
    header[name] = {{"dtype", type_name(written)},
                    {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  return header;
}

void write_values(std::ofstream& file, const Tensor& tensor, DataType type) {
  if (written_type(tensor, type) == tensor.type()) {
    file.write(static_cast<const char*>(tensor.view().handle()),
               static_cast<std::streamsize>(tensor.size() * size_of(tensor.type())));
    return;
  }
  for (const float value : tensor.values()) {
    const Float16 half(value);
    file.write(reinterpret_cast<const char*>(&half.bits), sizeof half.bits);
  }
}

}  // namespace

bool may_be_safetensors(std::span<const std::byte> head, std::uint64_t size) noexcept {
  return head.size() > 8 && head[8] == std::byte{'{'} && header_bytes(head) <= size;
}

bool is_safetensors(std::span<const std::byte> file) noexcept {
  return may_be_safetensors(file, file.size());
}

StoredState open_safetensors(const ByteSource& file) {
  std::uint64_t bytes = 0;
  if (file.size >= sizeof bytes) file.read(0, std::as_writable_bytes(std::span(&bytes, 1)));
  if (file.size < 8 || bytes > file.size - 8 || bytes > kMaxHeaderBytes) {
    fail(ErrorCode::invalid_data, "a header of {} bytes in a file of {} (at most {} allowed)",
         bytes, file.size, kMaxHeaderBytes);
  }
  std::string text(static_cast<std::size_t>(bytes), ' ');
  file.read(8, std::as_writable_bytes(std::span(text)));
  const json header = parse_json_text(text, "the header");
  if (!header.is_object()) fail(ErrorCode::invalid_data, "the header is not an object");
  StoredState result;
  if (const auto metadata = header.find(kMetadata); metadata != header.end()) {
    if (!metadata->is_object()) fail(ErrorCode::invalid_data, "its metadata is not an object");
    result.metadata = *metadata;
  }
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) entries.push_back(parse_entry(name, value));
  }
  const std::uint64_t data = 8 + bytes;
  check_layout(entries, file.size - data);
  for (Entry& entry : entries) {
    const auto read = [source = file.read, type = entry.type, begin = data + entry.begin](
                          std::size_t first, Tensor& to) {
      const std::size_t each = size_of(type);
      std::vector<std::byte> stored(std::min<std::size_t>(kReadBytes, to.size() * each));
      for (std::size_t done = 0; done < to.size();) {
        const std::size_t count = std::min(stored.size() / each, to.size() - done);
        source(begin + (first + done) * each, std::span(stored).first(count * each));
        read_elements(type, std::span(stored).first(count * each), to, done);
        done += count;
      }
    };
    result.tensors.push_back({std::move(entry.name), entry.shape, entry.type, read});
  }
  return result;
}

StateFile parse_safetensors(std::span<const std::byte> file, const StateOptions& options) {
  const auto read = [file](std::uint64_t first, std::span<std::byte> to) {
    std::ranges::copy(file.subspan(first, to.size()), to.begin());
  };
  return read_all(open_safetensors({file.size(), read}), options);
}

void save_safetensors(const std::filesystem::path& path, const StateFile& content, DataType type) {
  if (type != DataType::f32 && type != DataType::f16) {
    fail(ErrorCode::invalid_argument, "[save_safetensors] {}: only f32 and f16 can be written",
         path.string());
  }
  std::string header =
      header_of(content, type).dump(-1, ' ', false, json::error_handler_t::replace);
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t bytes = header.size();
  auto partial = path;
  partial += ".part";
  std::ofstream file(partial, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [name, tensor] : content.state) write_values(file, tensor, type);
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(partial, path, failed);
  if (!file || failed) {
    std::filesystem::remove(partial, failed);
    fail(ErrorCode::io, "[save_safetensors] {}: writing failed", path.string());
  }
}

}  // namespace metalaudio::nn
