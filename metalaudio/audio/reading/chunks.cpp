#include <fmt/format.h>
#include <metalaudio/audio/reading/chunks.h>
#include <metalaudio/core/counted.h>

#include <algorithm>
#include <array>

namespace metalaudio::audio {
namespace {

/// What may follow samples of an unknown length. Other names do in chains that begin with these.
constexpr std::array<std::string_view, 44> kTagNames{
    "LIST", "id3 ", "ID3 ", "bext", "iXML", "cue ", "smpl", "inst", "INST", "fact", "PEAK",
    "JUNK", "junk", "PAD ", "FLLR", "afsp", "DISP", "_PMX", "axml", "aXML", "chna", "acid",
    "strc", "minf", "elm1", "regn", "ovwf", "umid", "cart", "levl", "link", "mext", "plst",
    "LGWV", "MARK", "bwfx", "NAME", "AUTH", "ANNO", "COMT", "APPL", "MIDI", "AESD", "CHAN"};
/// The same in Wave64, whose names are GUIDs that begin with four letters.
constexpr std::array<std::string_view, 6> kWave64TagNames{"list", "bext", "fact",
                                                          "levl", "junk", "summ"};

constexpr std::size_t kScanBytes = 1 << 16;
/// What a hostile file can make this walk through.
constexpr int kMostChunks = 1000;
constexpr int kMostChains = 1000;

bool is_printable(std::string_view name) {
  return std::ranges::all_of(name, [](char letter) { return letter >= ' ' && letter <= '~'; });
}

}  // namespace

std::uint64_t number_of(std::string_view bytes, bool big_endian) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[big_endian ? i : bytes.size() - 1 - i]);
  return number;
}

std::string bytes_of(std::uint64_t number, std::size_t bytes, bool big_endian) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i, number >>= 8)
    text[big_endian ? bytes - 1 - i : i] = static_cast<char>(number & 0xFF);
  return text;
}

std::optional<Chunk> Chunks::at(std::int64_t place) {
  const std::size_t header = style_.wave64 ? 24 : 8;
  if (place < 0 || place > file_.size() - static_cast<std::int64_t>(header)) return std::nullopt;
  const std::string text = file_.text(place, header);
  if (text.size() < header) return std::nullopt;
  Chunk chunk{text.substr(0, 4), place + static_cast<std::int64_t>(header),
              number_of(std::string_view(text).substr(style_.wave64 ? 16 : 4), style_.big_endian)};
  if (style_.wave64) {
    if (chunk.bytes < header) return std::nullopt;
    chunk.bytes -= header;
  }
  return chunk;
}

std::int64_t Chunks::after(const Chunk& chunk) const {
  const auto left = static_cast<std::uint64_t>(file_.size() - chunk.start);
  if (chunk.bytes > left) return file_.size() + 1;
  const std::uint64_t grid = style_.wave64 ? 8 : 2;
  const auto end = static_cast<std::uint64_t>(chunk.start) + chunk.bytes;
  const std::uint64_t next = (end + grid - 1) / grid * grid;
  // The last chunk may lack what fills it up.
  return static_cast<std::int64_t>(next > static_cast<std::uint64_t>(file_.size()) ? end : next);
}

bool Chunks::reach_the_end(std::int64_t place) {
  bool any = false;
  for (int count = 0; place < file_.size() && count < kMostChunks; ++count) {
    const auto chunk = at(place);
    if (!chunk || !is_printable(chunk->name)) return false;
    place = after(*chunk);
    any = true;
  }
  return any && place == file_.size();
}

/// The first place from here on where chunks that are known to follow samples reach the end; the
/// end of the file if there is none.
std::int64_t Chunks::next_chunk_from(std::int64_t place) {
  const auto is_tag = [&](std::string_view name) {
    if (style_.wave64) return std::ranges::find(kWave64TagNames, name) != kWave64TagNames.end();
    return std::ranges::find(kTagNames, name) != kTagNames.end();
  };
  int chains = 0;
  for (; place < file_.size() && chains < kMostChains; place += kScanBytes) {
    const std::string bytes = file_.text(place, kScanBytes + 3);
    for (std::size_t i = 0; i < kScanBytes && i + 4 <= bytes.size(); ++i) {
      const char first = bytes[i];
      if (first < ' ' || first > '~') continue;
      const auto here = place + static_cast<std::int64_t>(i);
      if (!is_tag(std::string_view(bytes).substr(i, 4))) continue;
      if (reach_the_end(here)) return here;
      ++chains;
    }
  }
  return file_.size();
}

/// Some programs count headers as samples: the 8 bytes of the chunk's own, those before it, all.
std::optional<std::int64_t> Chunks::end_without_header(const Chunk& chunk) {
  const std::int64_t stated = chunk.start + static_cast<std::int64_t>(chunk.bytes);
  const std::int64_t before = chunk.start;
  for (const std::int64_t counted :
       {before, before - 8, std::int64_t{44}, std::int64_t{36}, std::int64_t{8}}) {
    const std::int64_t end = stated - counted;
    if (end < chunk.start) continue;
    if (end == file_.size() || (end < file_.size() && reach_the_end(end))) return end;
  }
  return std::nullopt;
}

/// The stated samples lie in the file; what follows them should be chunks, or nothing.
std::int64_t Chunks::end_before_more(const Chunk& chunk, ReadLog& log) {
  const std::int64_t stated = chunk.start + static_cast<std::int64_t>(chunk.bytes);
  const std::int64_t next = after(chunk);
  if (next >= file_.size() || reach_the_end(next) || reach_the_end(stated)) return stated;
  if (const auto end = end_without_header(chunk)) {
    log.warn("the length of the samples counts a header too");
    return *end;
  }
  constexpr std::int64_t kWrap = std::int64_t{1} << 32;
  if (!style_.wave64 && file_.size() - stated >= kWrap) {
    log.warn("longer than the 4 GiB that its header can state: read to its end");
    return next_chunk_from(stated + (file_.size() - stated) / kWrap * kWrap);
  }
  const auto following = at(next);
  const bool cut_chunk = following && is_printable(following->name);
  if (!cut_chunk || following->name.starts_with("TAG") || following->name.starts_with("APET"))
    log.warn(fmt::format("not read: {} after the stated samples",
                         counted(file_.size() - stated, "byte")));
  return stated;
}

std::int64_t Chunks::end_of_samples(const Chunk& chunk, bool known, ReadLog& log) {
  const auto there = static_cast<std::uint64_t>(file_.size() - chunk.start);
  if (!known) {
    if (chunk.bytes == 0 && reach_the_end(chunk.start)) return chunk.start;
    return next_chunk_from(chunk.start);
  }
  if (chunk.bytes <= there) return end_before_more(chunk, log);
  // Beyond any file: what follows would wrap.
  const bool absurd = chunk.bytes > static_cast<std::uint64_t>(INT64_MAX - chunk.start);
  if (const auto end = absurd ? std::nullopt : end_without_header(chunk)) {
    log.warn("the length of the samples counts a header too");
    return *end;
  }
  log.ends_early(fmt::format("{} of samples of {}", counted(there, "byte"), chunk.bytes));
  return file_.size();
}

}  // namespace metalaudio::audio
