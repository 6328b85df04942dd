#include <fmt/format.h>
#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/audio/reading/file_sections.h>
#include <metalaudio/core/counted.h>

namespace metalaudio::audio {

std::int64_t id3v2_bytes(FileBytes& file, std::int64_t place) {
  const std::string head = file.text(place, 10);
  if (head.size() < 10 || !head.starts_with("ID3")) return 0;
  std::int64_t bytes = 0;
  for (std::size_t i = 6; i < 10; ++i) {
    if ((head[i] & 0x80) != 0) return 0;
    bytes = bytes << 7 | head[i];
  }
  constexpr char kHasFooter = 0x10;
  return bytes + ((head[5] & kHasFooter) != 0 ? 20 : 10);
}

namespace {

/// Where a CAF or AVI states how long it is, FFmpeg reads as far as there is something.
void check_stated_bytes(FileBytes& file, ReadLog& log) {
  const std::string first = file.text(0, 12);
  const auto check = [&](std::uint64_t stated, std::int64_t start) {
    const auto there = static_cast<std::uint64_t>(file.size() - start);
    if (stated > there) log.ends_early(fmt::format("{} of {}", counted(there, "byte"), stated));
  };
  if (first.starts_with("RIFF") && first.substr(8) == "AVI ") {
    const std::uint64_t stated = number_of(std::string_view(first).substr(4, 4), false);
    constexpr std::uint64_t kUnknown = 0x7FFF0000;
    if (stated < kUnknown) check(stated, 8);
  }
  if (!first.starts_with("caff")) return;
  constexpr std::int64_t kHeaderBytes = 12;
  for (std::int64_t place = 8; place + kHeaderBytes <= file.size();) {
    const std::string header = file.text(place, kHeaderBytes);
    const std::uint64_t stated = number_of(std::string_view(header).substr(4), true);
    place += kHeaderBytes;
    // All ones: to the end.
    if (stated > INT64_MAX) return;
    check(stated, place);
    if (stated > static_cast<std::uint64_t>(file.size() - place)) return;
    place += static_cast<std::int64_t>(stated);
  }
}

}  // namespace

FileSections find_sections(FileBytes& file, ReadLog& log) {
  for (const auto sections :
       {wave_sections, aiff_sections, ogg_sections, flac_sections, mp3_sections})
    if (auto found = sections(file, log)) return *found;
  check_stated_bytes(file, log);
  return {{"", 0, file.size()}};
}

}  // namespace metalaudio::audio
