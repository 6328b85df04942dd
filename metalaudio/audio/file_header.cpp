#include <metalaudio/audio/file_header.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>

namespace metalaudio::audio {
namespace {

/// What encoders that write into a pipe put for a length: none, all ones, SoX's, arecord's.
constexpr std::array<std::uint64_t, 5> kUnknownLengths{0, 0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF,
                                                       0x80000000};

/// Reads the four-letter names and the numbers of a chunked file.
class Chunks {
 public:
  Chunks(std::ifstream& file, bool big_endian) : file_(file), big_endian_(big_endian) {}

  bool read_name(std::array<char, 4>& name) { return !!file_.read(name.data(), name.size()); }

  template <typename Number>
  Number read_number() {
    std::array<unsigned char, sizeof(Number)> bytes{};
    file_.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
    if (!big_endian_) std::reverse(bytes.begin(), bytes.end());
    std::uint64_t number = 0;
    for (const unsigned char byte : bytes) number = number << 8 | byte;
    return static_cast<Number>(number);
  }

 private:
  std::ifstream& file_;
  bool big_endian_;
};

struct ChunkedHeader {
  bool big_endian = false;
  std::string_view samples_chunk;
};

std::optional<ChunkedHeader> chunked_header(std::string_view first) {
  const std::string_view form = first.substr(0, 4);
  const std::string_view type = first.substr(8, 4);
  if ((form == "RIFF" || form == "RF64") && type == "WAVE") return ChunkedHeader{false, "data"};
  if (form == "RIFX" && type == "WAVE") return ChunkedHeader{true, "data"};
  if (form == "FORM" && (type == "AIFF" || type == "AIFC")) return ChunkedHeader{true, "SSND"};
  return std::nullopt;
}

/// An ID3 tag, or the eleven ones that begin a frame.
bool is_mpeg_audio(std::string_view first) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(first[index]); };
  return first.substr(0, 3) == "ID3" || (byte(0) == 0xFF && (byte(1) & 0xE0) == 0xE0);
}

/// The length that the header promises against the bytes that follow it.
struct SampleBytes {
  std::uint64_t promised = 0;
  std::uint64_t there = 0;
};

std::optional<SampleBytes> find_samples(std::ifstream& file, const ChunkedHeader& header,
                                        std::uint64_t file_bytes) {
  Chunks chunks(file, header.big_endian);
  std::array<char, 4> bytes{};
  std::optional<std::uint64_t> long_length;  // of RF64, from its ds64 chunk
  while (chunks.read_name(bytes)) {
    const std::string_view name(bytes.data(), bytes.size());
    const std::uint64_t length = chunks.read_number<std::uint32_t>();
    if (!file) break;
    const auto start = static_cast<std::uint64_t>(file.tellg());
    if (name == header.samples_chunk) {
      const bool is_long = long_length && length == 0xFFFFFFFF;
      return SampleBytes{is_long ? *long_length : length, file_bytes - start};
    }
    if (name == "ds64") {
      chunks.read_number<std::uint64_t>();  // the length of the whole
      long_length = chunks.read_number<std::uint64_t>();
    }
    // Chunks begin at even places.
    file.seekg(static_cast<std::streamoff>(start + length + length % 2));
  }
  return std::nullopt;
}

}  // namespace

DecoderLibrary inspect_header(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 12> bytes{};
  file.read(bytes.data(), bytes.size());
  const std::string_view first(bytes.data(), bytes.size());
  if (is_mpeg_audio(first)) return DecoderLibrary::ffmpeg;
  const auto header = chunked_header(first);
  if (!file || !header) return DecoderLibrary::sndfile;
  const auto samples = find_samples(file, *header, std::filesystem::file_size(path));
  if (!samples) return DecoderLibrary::sndfile;
  const bool unknown =
      std::ranges::find(kUnknownLengths, samples->promised) != kUnknownLengths.end();
  if (!unknown && samples->promised > samples->there)
    fail(ErrorCode::invalid_data, "[AudioReader] {}: truncated: {} bytes of samples of {}",
         path.string(), samples->there, samples->promised);
  const bool never_filled_in = samples->promised == 0 && samples->there > 0;
  return never_filled_in ? DecoderLibrary::ffmpeg : DecoderLibrary::sndfile;
}

}  // namespace metalaudio::audio
