#include <fmt/format.h>
#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/audio/reading/file_sections.h>
#include <metalaudio/core/counted.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>

namespace metalaudio::audio {
namespace {

constexpr std::string_view kMark = "OggS";
constexpr std::size_t kHeaderBytes = 27;
constexpr std::size_t kMostSegments = 255;
constexpr std::size_t kScanBytes = 1 << 16;

struct Page {
  std::int64_t bytes = 0;
  std::uint32_t stream = 0;
  std::uint32_t number = 0;  ///< in its stream
  bool begins_stream = false;
  bool ends_stream = false;
};

std::optional<Page> page_at(FileBytes& file, std::int64_t place) {
  const std::string header = file.text(place, kHeaderBytes + kMostSegments);
  if (header.empty() || !kMark.starts_with(std::string_view(header).substr(0, kMark.size())))
    return std::nullopt;
  if (header.size() < kHeaderBytes) return Page{.bytes = kHeaderBytes};
  if (header[4] != 0) return std::nullopt;
  const auto segments = static_cast<unsigned char>(header[26]);
  Page page;
  page.bytes = static_cast<std::int64_t>(kHeaderBytes) + segments;
  for (std::size_t i = 0; i < segments && kHeaderBytes + i < header.size(); ++i)
    page.bytes += static_cast<unsigned char>(header[kHeaderBytes + i]);
  page.stream =
      static_cast<std::uint32_t>(number_of(std::string_view(header).substr(14, 4), false));
  page.number =
      static_cast<std::uint32_t>(number_of(std::string_view(header).substr(18, 4), false));
  page.begins_stream = (header[5] & 2) != 0;
  page.ends_stream = (header[5] & 4) != 0;
  return page;
}

/// RFC 3533's: CRC-32 with the polynomial 0x04c11db7, the highest bit first, from 0.
std::uint32_t checksum_of(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
      table[byte] = byte << 24;
      for (int bit = 0; bit < 8; ++bit)
        table[byte] = (table[byte] << 1) ^ ((table[byte] >> 31) != 0 ? 0x04C11DB7U : 0U);
    }
    return table;
  }();
  std::uint32_t sum = 0;
  for (const char byte : bytes)
    sum = (sum << 8) ^ kTable[(sum >> 24) ^ static_cast<std::uint8_t>(byte)];
  return sum;
}

/// Whether a page's checksum, over all of it with zeros in its own place, is that of its bytes.
bool is_sound(FileBytes& file, std::int64_t place, const Page& page) {
  constexpr std::size_t kChecksum = 22;
  std::string bytes = file.text(place, static_cast<std::size_t>(page.bytes));
  const std::uint64_t stated = number_of(std::string_view(bytes).substr(kChecksum, 4), false);
  bytes.replace(kChecksum, 4, 4, '\0');
  return checksum_of(bytes) == stated;
}

/// The next place that may begin a page; the end of the file if there is none.
std::int64_t next_mark(FileBytes& file, std::int64_t place) {
  for (; place < file.size(); place += kScanBytes) {
    const std::size_t found = file.text(place, kScanBytes + kMark.size() - 1).find(kMark);
    if (found != std::string::npos) return place + static_cast<std::int64_t>(found);
  }
  return file.size();
}

/// Collects the links of a chain: each begins with the first pages of all its streams.
class Links {
 public:
  explicit Links(ReadLog& log) : log_(log) {}

  void add(const Page& page, std::int64_t place) {
    if (page.begins_stream && !at_beginning_) {
      end_link(place);
      first_ = place;
    }
    at_beginning_ = page.begins_stream;
    const auto last = numbers_.find(page.stream);
    if (last != numbers_.end() && !page.begins_stream && page.number > last->second + 1)
      missing_ += page.number - last->second - 1;
    numbers_[page.stream] = page.number;
    if (page.begins_stream) open_.insert(page.stream);
    if (page.ends_stream) open_.erase(page.stream);
  }

  void end_link(std::int64_t place, bool cut = false) {
    sections_.push_back({"", first_, place - first_});
    if (!open_.empty() && !cut)
      log_.warn("an Ogg stream has no mark at its end: something may be missing");
    open_.clear();
  }

  const FileSections& sections() const { return sections_; }
  /// Pages that the numbers of the others leave room for.
  std::uint64_t missing() const { return missing_; }

 private:
  ReadLog& log_;
  FileSections sections_;
  std::set<std::uint32_t> open_;
  std::map<std::uint32_t, std::uint32_t> numbers_;  ///< the last one, by stream
  std::uint64_t missing_ = 0;
  std::int64_t first_ = 0;
  bool at_beginning_ = true;
};

}  // namespace

std::optional<FileSections> ogg_sections(FileBytes& file, ReadLog& log) {
  if (file.text(0, kMark.size()) != kMark) return std::nullopt;
  Links links(log);
  std::int64_t skipped = 0;
  std::uint64_t damaged = 0;
  std::int64_t end = file.size();
  bool cut = false;
  for (std::int64_t place = 0; place < file.size();) {
    const auto page = page_at(file, place);
    // A damaged length leads away from the next page; one that leads beyond the end is a cut.
    const bool beyond = page && place + page->bytes > file.size();
    const std::int64_t next = page && !beyond ? place + page->bytes : next_mark(file, place + 1);
    cut = beyond && next == file.size();
    if (cut) end = place;
    if (page && !beyond) {
      links.add(*page, place);
      damaged += is_sound(file, place, *page) ? 0 : 1;
    }
    if (!cut && (!page || beyond)) skipped += next - place;
    place = next;
  }
  links.end_link(end, cut);
  if (skipped > 0) log.warn(fmt::format("not read: {} of no page", counted(skipped, "byte")));
  if (damaged > 0)
    log.warn(fmt::format("damaged pages of the Ogg, whose sound is missing: {}", damaged));
  if (links.missing() > 0) log.warn(fmt::format("missing pages of the Ogg: {}", links.missing()));
  if (cut) log.ends_early("the last page of the Ogg is not whole");
  return links.sections();
}

}  // namespace metalaudio::audio
