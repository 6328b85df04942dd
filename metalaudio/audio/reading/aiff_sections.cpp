#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/audio/reading/file_sections.h>
#include <metalaudio/core/error.h>

#include <algorithm>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kMostChunkBytes = 4096;
/// Before the samples: where they start in their chunk, and the size of the blocks they fill.
constexpr std::int64_t kPlaceBytes = 8;

std::string chunk_bytes(const Chunk& chunk, FileBytes& file) {
  const auto held = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.bytes, kMostChunkBytes));
  std::string bytes = file.text(chunk.start, held);
  return chunk.name + bytes_of(bytes.size(), 4, true) + bytes + std::string(bytes.size() % 2, '\0');
}

}  // namespace

std::optional<FileSections> aiff_sections(FileBytes& file, ReadLog& log) {
  const std::string first = file.text(0, 12);
  if (first.size() < 12 || first.substr(0, 4) != "FORM") return std::nullopt;
  const std::string type = first.substr(8);
  if (type != "AIFF" && type != "AIFC") return std::nullopt;
  Chunks chunks(file, {true, false});
  std::string head = type;
  std::optional<FileSection> samples;
  for (auto chunk = chunks.at(12); chunk; chunk = chunks.at(chunks.after(*chunk))) {
    // The format may come after the samples, which a decoder reads in one go.
    if (chunk->name == "COMM" || chunk->name == "FVER" || chunk->name == "CHAN")
      head += chunk_bytes(*chunk, file);
    if (chunk->name != "SSND" || samples) continue;
    const bool known = chunk->bytes != 0 && chunk->bytes < 0xFFFFF000;
    const std::int64_t end = chunks.end_of_samples(*chunk, known, log);
    chunk->bytes = static_cast<std::uint64_t>(end - chunk->start);
    const auto offset = static_cast<std::int64_t>(number_of(file.text(chunk->start, 4), true));
    const std::int64_t start = std::min(chunk->start + kPlaceBytes + offset, end);
    samples = {"", start, end - start};
  }
  if (head.find("COMM") == std::string::npos)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: not audio: an AIFF header without a format",
         log.file());
  if (!samples) samples = {"", file.size(), 0};
  const auto bytes = static_cast<std::uint64_t>(samples->bytes + kPlaceBytes);
  const std::uint64_t stated = std::min<std::uint64_t>(bytes, 0xFFFFFFFF);
  head += "SSND" + bytes_of(stated, 4, true) + std::string(kPlaceBytes, '\0');
  const std::uint64_t whole = std::min<std::uint64_t>(head.size() + bytes, 0x7FFFFFFE);
  samples->head = "FORM" + bytes_of(whole, 4, true) + head;
  return FileSections{*samples};
}

}  // namespace metalaudio::audio
