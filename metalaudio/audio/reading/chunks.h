#pragma once

#include <metalaudio/audio/reading/file_section.h>
#include <metalaudio/audio/reading/read_log.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace metalaudio::audio {

/// How the chunks of a kind of file are written.
struct ChunkStyle {
  bool big_endian = false;
  bool wave64 = false;  ///< 16 bytes of name, 8 of length that count themselves, places of 8 bytes
};

struct Chunk {
  std::string name;        ///< four letters
  std::int64_t start = 0;  ///< of what it holds
  std::uint64_t bytes = 0;
};

/// Reads the chunks of a file and does not believe their lengths.
/// Threads:  one instance per thread.
class Chunks {
 public:
  Chunks(FileBytes& file, ChunkStyle style) : file_(file), style_(style) {}

  std::optional<Chunk> at(std::int64_t place);
  std::int64_t after(const Chunk& chunk) const;
  /// Whether chunks follow each other from here to the file's very end, at least one.
  bool reach_the_end(std::int64_t place);

  /// Where samples that are stated as `chunk` really end: not beyond the file, before the chunks
  /// that follow them, and there where the length is one of the marks for "unknown". Says in `log`
  /// what is odd.
  std::int64_t end_of_samples(const Chunk& chunk, bool known, ReadLog& log);

 private:
  std::int64_t next_chunk_from(std::int64_t place);
  std::optional<std::int64_t> end_without_header(const Chunk& chunk);
  std::int64_t end_before_more(const Chunk& chunk, ReadLog& log);

  FileBytes& file_;
  ChunkStyle style_;
};

/// The number whose bytes these are.
std::uint64_t number_of(std::string_view bytes, bool big_endian);
/// The bytes of a number.
std::string bytes_of(std::uint64_t number, std::size_t bytes, bool big_endian);

}  // namespace metalaudio::audio
