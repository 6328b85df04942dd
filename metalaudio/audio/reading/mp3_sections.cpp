#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/audio/reading/file_sections.h>

#include <algorithm>
#include <array>

namespace metalaudio::audio {
namespace {

constexpr std::int64_t kMostLostBytes = 1 << 20;

/// What the four bytes before each frame of MPEG layer III say.
struct FrameHeader {
  std::int64_t bytes = 0;
  int sample_rate_hz = 0;
  bool mono = false;
  std::size_t info_place = 0;  ///< where an info frame has its name
};

std::optional<FrameHeader> header_of(std::string_view bytes) {
  if (bytes.size() < 4) return std::nullopt;
  const auto bits = static_cast<std::uint32_t>(number_of(bytes.substr(0, 4), true));
  const std::uint32_t version = bits >> 19 & 3;  // 0: 2.5, 2: 2, 3: 1
  const std::uint32_t bitrate = bits >> 12 & 15;
  const std::uint32_t rate = bits >> 10 & 3;
  const bool layer3 = (bits >> 17 & 3) == 1;
  if (bits >> 21 != 0x7FF || version == 1 || !layer3 || bitrate == 0 || bitrate == 15 || rate == 3)
    return std::nullopt;
  constexpr std::array<int, 15> kVersion1{0,   32,  40,  48,  56,  64,  80, 96,
                                          112, 128, 160, 192, 224, 256, 320};
  constexpr std::array<int, 15> kVersion2{0,  8,  16, 24,  32,  40,  48, 56,
                                          64, 80, 96, 112, 128, 144, 160};
  constexpr std::array<int, 3> kRates{44100, 48000, 32000};
  const bool first = version == 3;
  FrameHeader header;
  header.sample_rate_hz = kRates[rate] >> (first ? 0 : version == 2 ? 1 : 2);
  header.mono = (bits >> 6 & 3) == 3;
  const int kbps = first ? kVersion1[bitrate] : kVersion2[bitrate];
  header.bytes = (first ? 144 : 72) * std::int64_t{1000} * kbps / header.sample_rate_hz +
                 static_cast<std::int64_t>(bits >> 9 & 1);
  const bool checksum = (bits >> 16 & 1) == 0;
  header.info_place = (checksum ? 6 : 4) + (first ? (header.mono ? 17 : 32) : header.mono ? 9 : 17);
  return header;
}

bool is_info(std::string_view bytes, const FrameHeader& header) {
  const auto has = [&](std::size_t place, std::string_view name) {
    return bytes.size() >= place + 4 && bytes.substr(place, 4) == name;
  };
  return has(header.info_place, "Xing") || has(header.info_place, "Info") || has(36, "VBRI");
}

}  // namespace

std::optional<FileSections> mp3_sections(FileBytes& file, ReadLog&) {
  std::int64_t place = 0;
  while (const std::int64_t tag = id3v2_bytes(file, place)) place += tag;
  constexpr std::size_t kLookBytes = 64;
  std::optional<FrameHeader> last = header_of(file.text(place, kLookBytes));
  if (!last) return std::nullopt;
  // The first part keeps the tags before it.
  FileSections sections{{"", 0, 0}};
  std::int64_t lost = 0;
  bool any = false;
  while (place < file.size() && lost < kMostLostBytes) {
    const std::string bytes = file.text(place, kLookBytes);
    const auto header = header_of(bytes);
    const bool followed =
        header && (lost == 0 || header_of(file.text(place + header->bytes, 4)).has_value());
    if (!followed) {
      const std::int64_t tag = id3v2_bytes(file, place);
      place += std::max<std::int64_t>(tag, 1);
      lost += tag > 0 ? 0 : 1;
      continue;
    }
    const bool changed =
        header->sample_rate_hz != last->sample_rate_hz || header->mono != last->mono;
    if (any && (changed || is_info(bytes, *header))) {
      sections.back().bytes = place - sections.back().first;
      sections.push_back({"", place, 0});
    }
    last = header;
    any = true;
    lost = 0;
    place += header->bytes;
  }
  sections.back().bytes = file.size() - sections.back().first;
  return sections;
}

}  // namespace metalaudio::audio
