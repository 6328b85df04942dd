#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/audio/reading/file_sections.h>

#include <algorithm>

namespace metalaudio::audio {
namespace {

/// The mark and the head of the block that always comes first.
constexpr std::string_view kBeginning("fLaC\0\0\0\x22", 8);
constexpr std::string_view kLastBlock("fLaC\x80\0\0\x22", 8);
constexpr std::int64_t kId3v1Bytes = 128;
constexpr std::int64_t kApeFooterBytes = 32;
constexpr std::size_t kScanBytes = 1 << 16;

bool begins_flac(std::string_view bytes) {
  return bytes.starts_with(kBeginning) || bytes.starts_with(kLastBlock);
}

/// Where a stream ends that tags of other kinds of files follow, as players write them.
std::int64_t without_tags(FileBytes& file, std::int64_t first, std::int64_t end) {
  for (;;) {
    std::int64_t tag = 0;
    if (end - first > kId3v1Bytes && file.text(end - kId3v1Bytes, 3) == "TAG") tag = kId3v1Bytes;
    const std::string footer = end - first > kApeFooterBytes
                                   ? file.text(end - kApeFooterBytes, kApeFooterBytes)
                                   : std::string();
    if (footer.starts_with("APETAGEX")) {
      const auto bytes = static_cast<std::int64_t>(number_of(footer.substr(12, 4), false));
      const bool has_header = (footer[23] & 0x80) != 0;
      tag = bytes + (has_header ? kApeFooterBytes : 0);
    }
    if (tag <= 0 || tag >= end - first) return end;
    end -= tag;
  }
}

}  // namespace

std::optional<FileSections> flac_sections(FileBytes& file, ReadLog&) {
  std::int64_t first = 0;
  while (const std::int64_t tag = id3v2_bytes(file, first)) first += tag;
  if (!begins_flac(file.text(first, kBeginning.size()))) return std::nullopt;
  FileSections sections;
  std::int64_t tag_start = 0;  // of the last ID3v2 tag, and where it ends
  std::int64_t tag_end = 0;
  const auto end_link = [&](std::int64_t end) {
    end = without_tags(file, first, end);
    sections.push_back({"", first, end - first});
  };
  // Files that were joined: each begins anew.
  for (std::int64_t place = first + 4; place < file.size(); place += kScanBytes) {
    const std::string bytes = file.text(place, kScanBytes + kBeginning.size() - 1);
    for (std::size_t i = bytes.find_first_of("fI"); i < std::min(bytes.size(), kScanBytes);
         i = bytes.find_first_of("fI", i + 1)) {
      const auto here = place + static_cast<std::int64_t>(i);
      const std::string_view rest = std::string_view(bytes).substr(i);
      if (begins_flac(rest)) {
        end_link(here == tag_end ? tag_start : here);
        first = here;
      } else if (const std::int64_t tag = rest.starts_with("ID3") ? id3v2_bytes(file, here) : 0) {
        tag_start = here;
        tag_end = here + tag;
      }
    }
  }
  end_link(tag_end == file.size() ? tag_start : file.size());
  return sections;
}

}  // namespace metalaudio::audio
