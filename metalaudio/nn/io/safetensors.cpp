#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/safetensors.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace metalaudio::nn {

namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeaderBytes = 16U << 20U;  // upstream's own are near 60 KiB
constexpr int kMaxDepth = 32;
constexpr const char* kMetadata = "__metadata__";

struct Entry {
  std::string name;
  ElementType type = ElementType::f32;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct TypeName {
  const char* name;
  ElementType type;
};
constexpr std::array<TypeName, 10> kTypeNames{{{"F64", ElementType::f64},
                                               {"F32", ElementType::f32},
                                               {"F16", ElementType::f16},
                                               {"BF16", ElementType::bf16},
                                               {"I64", ElementType::i64},
                                               {"I32", ElementType::i32},
                                               {"I16", ElementType::i16},
                                               {"I8", ElementType::i8},
                                               {"U8", ElementType::u8},
                                               {"BOOL", ElementType::boolean}}};

/// Parses JSON of limited depth in which no object of the outermost level repeats a name.
json parse_json(std::string_view text, std::string_view what) {
  std::set<std::string> names;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) fail(ErrorCode::invalid_data, "{} is nested too deeply", what);
    if (event == json::parse_event_t::key && depth == 1 &&
        !names.insert(parsed.get<std::string>()).second) {
      fail(ErrorCode::invalid_data, "{} names '{}' twice", what,
           printable(parsed.get<std::string>()));
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    fail(ErrorCode::invalid_data, "{} is not JSON: {}", what, printable(error.what()));
  }
}

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

ElementType element_type(const json& value, const std::string& name) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
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
  entry.type = element_type(value["dtype"], name);
  entry.shape = checked_shape(sizes(value["shape"], name, "shape"), name);
  const auto offsets = sizes(value["data_offsets"], name, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fail(ErrorCode::invalid_data, "tensor '{}' has data_offsets that are not [begin, end]",
         printable(name));
  }
  entry.begin = static_cast<std::uint64_t>(offsets[0]);
  entry.end = static_cast<std::uint64_t>(offsets[1]);
  const std::uint64_t bytes = entry.end - entry.begin;
  const std::uint64_t each = element_bytes(entry.type);
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

std::string metadata_text(const json& header, const char* key) {
  const auto metadata = header.find(kMetadata);
  if (metadata == header.end() || !metadata->is_object() || !metadata->contains(key) ||
      !metadata->at(key).is_string()) {
    fail(ErrorCode::invalid_data, "the metadata lacks '{}': not a demucs checkpoint", key);
  }
  return metadata->at(key).get<std::string>();
}

void parse_metadata(const json& header, Checkpoint& checkpoint) {
  checkpoint.klass = metadata_text(header, "klass");
  checkpoint.args = parse_json(metadata_text(header, "args"), "metadata args");
  checkpoint.kwargs = parse_json(metadata_text(header, "kwargs"), "metadata kwargs");
  if (!checkpoint.args.is_array() || !checkpoint.kwargs.is_object()) {
    fail(ErrorCode::invalid_data, "metadata args is not a list or kwargs not an object");
  }
  if (header.at(kMetadata).contains("structure")) {
    fail(ErrorCode::unsupported, "{} is packed (diffq-quantised), which is not supported",
         printable(checkpoint.klass));
  }
}

json header_of(const Checkpoint& checkpoint, ElementType type) {
  json header;
  header[kMetadata] = {{"klass", checkpoint.klass},
                       {"args", checkpoint.args.dump()},
                       {"kwargs", checkpoint.kwargs.dump()}};
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : checkpoint.state) {
    const std::uint64_t end = position + tensor.size() * element_bytes(type);
    const auto extents = tensor.shape().extents();
    header[name] = {{"dtype", type == ElementType::f16 ? "F16" : "F32"},
                    {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  return header;
}

void write_values(std::ofstream& file, const Tensor& tensor, ElementType type) {
  if (type == ElementType::f32) {
    file.write(reinterpret_cast<const char*>(tensor.data()),
               static_cast<std::streamsize>(tensor.size() * sizeof(float)));
    return;
  }
  for (const float value : tensor.values()) {
    const std::uint16_t half = to_half(value);
    file.write(reinterpret_cast<const char*>(&half), sizeof half);
  }
}

}  // namespace

bool is_safetensors(std::span<const std::byte> file) noexcept {
  return file.size() > 8 && file[8] == std::byte{'{'} && header_bytes(file) <= file.size();
}

Checkpoint parse_safetensors(std::span<const std::byte> file, CheckpointPart part) {
  const std::uint64_t bytes = header_bytes(file);
  if (file.size() < 8 || bytes > file.size() - 8 || bytes > kMaxHeaderBytes) {
    fail(ErrorCode::invalid_data, "a header of {} bytes in a file of {} (at most {} allowed)",
         bytes, file.size(), kMaxHeaderBytes);
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, bytes);
  const json header = parse_json(text, "the header");
  if (!header.is_object()) fail(ErrorCode::invalid_data, "the header is not an object");
  Checkpoint checkpoint;
  parse_metadata(header, checkpoint);
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) entries.push_back(parse_entry(name, value));
  }
  const auto data = file.subspan(8 + bytes);
  check_layout(entries, data.size());
  if (part == CheckpointPart::configuration) return checkpoint;
  for (const Entry& entry : entries) {
    Tensor& tensor = checkpoint.state[entry.name] = Tensor(entry.shape);
    widen(entry.type, data.subspan(entry.begin, entry.end - entry.begin), tensor.values());
  }
  return checkpoint;
}

void save_safetensors(const std::filesystem::path& path, const Checkpoint& checkpoint,
                      ElementType type) {
  if (type != ElementType::f32 && type != ElementType::f16) {
    fail(ErrorCode::invalid_argument, "[save_safetensors] {}: only f32 and f16 can be written",
         path.string());
  }
  std::string header = header_of(checkpoint, type).dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t bytes = header.size();
  auto partial = path;
  partial += ".part";
  std::ofstream file(partial, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [name, tensor] : checkpoint.state) write_values(file, tensor, type);
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(partial, path, failed);
  if (!file || failed) {
    std::filesystem::remove(partial, failed);
    fail(ErrorCode::io, "[save_safetensors] {}: writing failed", path.string());
  }
}

}  // namespace metalaudio::nn
