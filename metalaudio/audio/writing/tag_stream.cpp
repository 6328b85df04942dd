#include <metalaudio/audio/writing/tag_stream.h>

#include <algorithm>
#include <vector>

namespace metalaudio::audio {
namespace {

constexpr std::int64_t kMoveBytes = 1 << 20;

}  // namespace

TagLib::ByteVector TagStream::readBlock(unsigned long length) {
  const std::int64_t left = std::max<std::int64_t>(file_.size() - file_.position(), 0);
  const auto wanted = std::min<std::uint64_t>(length, static_cast<std::uint64_t>(left));
  TagLib::ByteVector data(static_cast<unsigned>(wanted), 0);
  std::size_t got = 0;
  while (got < data.size()) {
    const std::size_t more =
        file_.read(std::as_writable_bytes(std::span(data.data() + got, data.size() - got)));
    if (more == 0) break;
    got += more;
  }
  return data.resize(static_cast<unsigned>(got));
}

void TagStream::writeBlock(const TagLib::ByteVector& data) {
  file_.try_write(std::as_bytes(std::span(data.data(), data.size())));
}

void TagStream::insert(const TagLib::ByteVector& data, unsigned long start, unsigned long replace) {
  const auto place = static_cast<std::int64_t>(start);
  const std::int64_t from =
      std::min<std::int64_t>(place + static_cast<std::int64_t>(replace), file_.size());
  move(from, place + data.size(), file_.size() - from);
  file_.seek(place);
  writeBlock(data);
}

void TagStream::removeBlock(unsigned long start, unsigned long length) {
  insert({}, start, length);
}

/// What lies behind `bytes` at the new place is cut off.
void TagStream::move(std::int64_t from, std::int64_t to, std::int64_t bytes) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(bytes, kMoveBytes)));
  for (std::int64_t done = 0; done < bytes && from != to;) {
    const std::int64_t count = std::min(bytes - done, kMoveBytes);
    // Growing, from the end on.
    const std::int64_t first = to > from ? bytes - done - count : done;
    const auto part = std::span(block).first(static_cast<std::size_t>(count));
    file_.seek(from + first);
    if (file_.read(part) != part.size()) return;
    file_.seek(to + first);
    if (!file_.try_write(part)) return;
    done += count;
  }
  if (to + bytes < file_.size()) file_.truncate(to + bytes);
}

void TagStream::seek(long offset, Position from) {
  const std::int64_t base = from == Beginning ? 0
                            : from == Current ? file_.position()
                                              : file_.size();
  file_.seek(std::max<std::int64_t>(base + offset, 0));
}

}  // namespace metalaudio::audio
