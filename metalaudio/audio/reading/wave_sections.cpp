#include <fmt/format.h>
#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/audio/reading/file_sections.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>

namespace metalaudio::audio {
namespace {

/// What encoders that write into a pipe put for a length, and a little below it, since some take
/// their header off: none, SoX's, arecord's, all ones.
bool is_known(std::uint64_t bytes, std::uint64_t there) {
  if (bytes == 0) return there == 0;
  const auto around = [&](std::uint64_t mark, std::uint64_t above) {
    return bytes > mark - 0x1000 && bytes <= mark + above;
  };
  const bool mark = around(0x7FFFF000, 0) || around(0x7FFFFFFF, 0x100) || around(0xFFFFFFFF, 0) ||
                    around(INT64_MAX, 0x100) || bytes > UINT64_MAX - 0x1000;
  return !mark || bytes <= there;
}

constexpr std::size_t kMostFormatBytes = 4096;
constexpr std::uint64_t kMostRiffBytes = 0xFFFFFFFF - 0x10000;

enum class WaveForm { none, riff, rifx, rf64, wave64 };

WaveForm form_of(std::string_view first) {
  if (first.size() < 40) return WaveForm::none;
  const std::string_view form = first.substr(0, 4);
  // Their GUIDs begin with these letters.
  if (form == "riff" && first.substr(24, 4) == "wave") return WaveForm::wave64;
  if (first.substr(8, 4) != "WAVE") return WaveForm::none;
  if (form == "RIFX") return WaveForm::rifx;
  if (form == "RF64" || form == "BW64") return WaveForm::rf64;
  return form == "RIFF" ? WaveForm::riff : WaveForm::none;
}

/// What a header states about all samples that follow.
struct WaveHeader {
  bool big_endian = false;
  std::string format;
  std::string fact;
  std::uint64_t long_bytes = 0;  ///< of RF64's samples
};

std::string chunk_bytes(const char* name, std::string_view bytes, bool big_endian) {
  return name + bytes_of(bytes.size(), 4, big_endian) + std::string(bytes) +
         std::string(bytes.size() % 2, '\0');
}

/// A header of 44 bytes or a little more, for samples of any length.
std::string plain_header(const WaveHeader& header, std::int64_t bytes) {
  const bool big = header.big_endian;
  const auto count = static_cast<std::uint64_t>(bytes);
  const bool is_long = count > kMostRiffBytes;
  std::string chunks = "WAVE";
  if (is_long)
    chunks += "ds64" + bytes_of(28, 4, big) + bytes_of(count + 0x1000, 8, big) +
              bytes_of(count, 8, big) + std::string(12, '\0');
  chunks += chunk_bytes("fmt ", header.format, big);
  if (!header.fact.empty()) chunks += chunk_bytes("fact", header.fact, big);
  chunks += "data" + bytes_of(is_long ? 0xFFFFFFFF : count, 4, big);
  const std::uint64_t whole = is_long ? 0xFFFFFFFF : chunks.size() + count + count % 2;
  return (is_long ? "RF64" : big ? "RIFX" : "RIFF") + bytes_of(whole, 4, big) + chunks;
}

/// Samples without a code cannot end within a frame.
std::int64_t whole_frames(const WaveHeader& header, std::int64_t bytes, ReadLog& log) {
  const std::string_view format = header.format;
  const std::uint64_t code = number_of(format.substr(0, 2), header.big_endian);
  const auto frame = static_cast<std::int64_t>(number_of(format.substr(12, 2), header.big_endian));
  constexpr std::array<std::uint64_t, 5> kPlain{1, 3, 6, 7, 0xFFFE};
  if (frame == 0 || std::ranges::find(kPlain, code) == kPlain.end()) return bytes;
  if (bytes % frame != 0)
    log.warn(fmt::format("{} of an incomplete frame at the end", counted(bytes % frame, "byte")));
  return bytes - bytes % frame;
}

void check_format(const WaveHeader& header, const ReadLog& log) {
  if (header.format.size() < 14)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: not audio: a WAV header without a format",
         log.file());
  if (number_of(std::string_view(header.format).substr(2, 2), header.big_endian) == 0)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: no channels", log.file());
}

/// How many bits of a sample are valid is a remark: a sample is as wide as its container, and FFmpeg
/// would take the remark for the width.
std::string with_whole_samples(std::string format, bool big_endian) {
  constexpr std::size_t kWidth = 14;
  constexpr std::size_t kValid = 18;
  if (format.size() >= kValid + 2 && number_of(format.substr(0, 2), big_endian) == 0xFFFE)
    format.replace(kValid, 2, format, kWidth, 2);
  return format;
}

}  // namespace

std::optional<FileSections> wave_sections(FileBytes& file, ReadLog& log) {
  const WaveForm form = form_of(file.text(0, 40));
  if (form == WaveForm::none) return std::nullopt;
  WaveHeader header;
  header.big_endian = form == WaveForm::rifx;
  const bool wave64 = form == WaveForm::wave64;
  Chunks chunks(file, {header.big_endian, wave64});
  FileSections sections;
  std::optional<Chunk> chunk = chunks.at(wave64 ? 40 : 12);
  for (; chunk; chunk = chunks.at(chunks.after(*chunk))) {
    const auto held =
        static_cast<std::size_t>(std::min<std::uint64_t>(chunk->bytes, kMostFormatBytes));
    if (chunk->name == "fmt ")
      header.format = with_whole_samples(file.text(chunk->start, held), header.big_endian);
    if (chunk->name == "fact") header.fact = file.text(chunk->start, 4);
    if (chunk->name == "ds64")
      header.long_bytes = number_of(file.text(chunk->start + 8, 8), header.big_endian);
    if (chunk->name != "data") continue;
    check_format(header, log);
    if (form == WaveForm::rf64 && chunk->bytes == 0xFFFFFFFF) chunk->bytes = header.long_bytes;
    const auto there = static_cast<std::uint64_t>(file.size() - chunk->start);
    const std::int64_t end = chunks.end_of_samples(*chunk, is_known(chunk->bytes, there), log);
    chunk->bytes = static_cast<std::uint64_t>(end - chunk->start);
    const std::int64_t bytes = whole_frames(header, end - chunk->start, log);
    sections.push_back({plain_header(header, bytes), chunk->start, bytes});
  }
  if (sections.empty())
    fail(ErrorCode::invalid_data, "[AudioReader] {}: not audio: a WAV header without samples",
         log.file());
  return sections;
}

}  // namespace metalaudio::audio
