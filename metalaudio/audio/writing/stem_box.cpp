#include <fmt/format.h>
#include <fmt/ranges.h>
#include <metalaudio/audio/writing/stem_box.h>
#include <metalaudio/core/error.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kHeaderBytes = 8;  // a length of 32 bits, and a name

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result + '"';
}

/// The settings are those that Native Instruments' own tool writes for processing that is off.
std::string metadata(const std::vector<StemLabel>& stems) {
  std::vector<std::string> labels;
  for (const StemLabel& stem : stems)
    labels.push_back(fmt::format(R"({{"name":{},"color":{}}})", json_string(stem.name),
                                 json_string(stem.color)));
  return fmt::format(
      R"({{"mastering_dsp":{{"compressor":{{"enabled":false,"input_gain":0.0,"output_gain":0.0,)"
      R"("threshold":0.0,"dry_wet":50,"attack":0.003,"release":0.3,"ratio":2,"hp_cutoff":20}},)"
      R"("limiter":{{"enabled":false,"threshold":0.0,"ceiling":0.0,"release":0.05}}}},)"
      R"("version":1,"stems":[{}]}})",
      fmt::join(labels, ","));
}

std::string big_endian(std::size_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFFU);
  return bytes;
}

std::size_t number_at(std::string_view bytes, std::size_t place) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8U | static_cast<unsigned char>(bytes[place + i]);
  return value;
}

std::string box(const char* name, const std::string& content) {
  return big_endian(kHeaderBytes + content.size()) + name + content;
}

void lengthen(std::string& boxes, std::size_t place, std::size_t bytes) {
  boxes.replace(place, 4, big_endian(number_at(boxes, place) + bytes));
}

/// `boxes` from its first box on; npos where there is none of this name.
std::size_t find_box(std::string_view boxes, std::size_t place, std::string_view name) {
  while (place + kHeaderBytes <= boxes.size()) {
    if (boxes.substr(place + 4, 4) == name) return place;
    const std::size_t bytes = number_at(boxes, place);
    if (bytes < kHeaderBytes) break;
    place += bytes;
  }
  return std::string_view::npos;
}

std::string read_at(OutputFile& file, std::int64_t place, std::int64_t bytes) {
  std::string result(static_cast<std::size_t>(bytes), '\0');
  file.seek(place);
  result.resize(file.read(std::as_writable_bytes(std::span(result))));
  return result;
}

/// Where the moov begins, which is the last box.
std::int64_t find_moov(OutputFile& file) {
  for (std::int64_t place = 0; place + 16 <= file.size();) {
    const std::string header = read_at(file, place, 16);
    if (header.size() < 16) break;
    if (header.substr(4, 4) == "moov") return place;
    std::size_t bytes = number_at(header, 0);
    // A length of 64 bits, as the samples of a long file need.
    if (bytes == 1) bytes = number_at(header, 8) << 32U | number_at(header, 12);
    if (bytes < kHeaderBytes) break;
    place += static_cast<std::int64_t>(bytes);
  }
  fail(ErrorCode::io, "[AudioWriter] {}: no moov box in it", file.target().string());
}

}  // namespace

void write_stem_box(OutputFile& file, const std::vector<StemLabel>& stems) {
  const std::string stem = box("stem", metadata(stems));
  const std::int64_t place = find_moov(file);
  std::string moov = read_at(file, place, file.size() - place);
  const std::size_t udta = find_box(moov, kHeaderBytes, "udta");
  if (udta == std::string::npos) {
    const std::string whole = box("udta", stem);
    moov += whole;
    lengthen(moov, 0, whole.size());
  } else {
    moov.insert(udta + number_at(moov, udta), stem);
    lengthen(moov, udta, stem.size());
    lengthen(moov, 0, stem.size());
  }
  file.seek(place);
  file.write(std::as_bytes(std::span(moov)));
}

}  // namespace metalaudio::audio
