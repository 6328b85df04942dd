#include <fileref.h>
#include <fmt/format.h>
#include <id3v1tag.h>
#include <infotag.h>
#include <metalaudio/audio/reading/tag_pictures.h>
#include <metalaudio/audio/tags.h>
#include <mp4file.h>
#include <tfilestream.h>
#include <tpropertymap.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace metalaudio::audio {
namespace {

bool is_utf8(std::string_view text) {
  const auto follows = [&](std::size_t index) {
    return index < text.size() && (static_cast<unsigned char>(text[index]) & 0xC0U) == 0x80U;
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t more = first < 0x80   ? 0
                             : first < 0xC2 ? 4
                             : first < 0xE0 ? 1
                             : first < 0xF0 ? 2
                                            : 3;
    if (more == 4 || first > 0xF4) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if (!follows(i + k)) return false;
    i += 1 + more;
  }
  return true;
}

/// ID3v1 and INFO say nothing of their encoding.
TagLib::String guessed(const TagLib::ByteVector& bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  const std::string_view whole = text.substr(0, text.find('\0'));
  return TagLib::String(std::string(whole),
                        is_utf8(whole) ? TagLib::String::UTF8 : TagLib::String::Latin1)
      .stripWhiteSpace();
}

class GuessInId3v1 final : public TagLib::ID3v1::StringHandler {
  TagLib::String parse(const TagLib::ByteVector& bytes) const override { return guessed(bytes); }
};
class GuessInInfo final : public TagLib::RIFF::Info::StringHandler {
  TagLib::String parse(const TagLib::ByteVector& bytes) const override { return guessed(bytes); }
};

void set_string_handlers() {
  static const GuessInId3v1 id3v1;
  static const GuessInInfo info;
  static std::once_flag once;
  std::call_once(once, [] {
    TagLib::ID3v1::Tag::setStringHandler(&id3v1);
    TagLib::RIFF::Info::Tag::setStringHandler(&info);
  });
}

/// TagLib goes by a file's name unless there is none.
class NamelessStream final : public TagLib::FileStream {
 public:
  explicit NamelessStream(const std::filesystem::path& path)
      : TagLib::FileStream(path.c_str(), true) {}
  TagLib::FileName name() const override { return ""; }
};

/// Whether a tag tells of the file that it stands in, or of a gain that was measured on it.
bool tells_of_file(std::string_view name) {
  constexpr std::array<std::string_view, 12> kBeginnings{"REPLAYGAIN_",
                                                         "R128_",
                                                         "RVA",
                                                         "MP3GAIN_",
                                                         "ITUNNORM",
                                                         "ITUNSMPB",
                                                         "ITUNES_CDDB",
                                                         "ACOUSTID_",
                                                         "LENGTH",
                                                         "AUDIOMD5",
                                                         "WAVEFORMATEXTENSIBLE_CHANNEL_MASK",
                                                         "METADATA_BLOCK_PICTURE"};
  constexpr std::array<std::string_view, 17> kNames{
      "ENCODER",      "ENCODEDBY",        "ENCODING", "ENCODERSETTINGS",  "ENCODER_OPTIONS",
      "ENCODINGTIME", "TAGGINGDATE",      "FILETYPE", "ORIGINALFILENAME", "FILENAME",
      "FILEWEBPAGE",  "PLAYLISTDELAY",    "DURATION", "MAJOR_BRAND",      "MINOR_VERSION",
      "COVERART",     "COMPATIBLE_BRANDS"};
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos)
    name.remove_prefix(colon + 1);
  if (name.starts_with("WM/") || name.starts_with("TOOL")) return true;
  return std::ranges::find(kNames, name) != kNames.end() ||
         std::ranges::any_of(kBeginnings, [&](auto begin) { return name.starts_with(begin); });
}

/// What iTunes has no place for: "----:PROGRAM:NAME".
void add_free_items(const TagLib::File& file, TagLib::PropertyMap& properties) {
  const auto* mp4 = dynamic_cast<const TagLib::MP4::File*>(&file);
  if (!mp4 || !mp4->tag()) return;
  for (const auto& [name, item] : mp4->tag()->itemMap()) {
    const int colon = name.rfind(":");
    if (!name.startsWith("----:") || !item.isValid() || item.toStringList().isEmpty()) continue;
    const TagLib::String own = name.substr(static_cast<unsigned>(colon) + 1).upper();
    if (!properties.contains(own)) properties.insert(own, item.toStringList());
  }
}

void take_texts(const TagLib::PropertyMap& properties, Tags& tags,
                std::vector<std::string>& warnings) {
  std::size_t bytes = 0;
  for (const auto& [key, values] : properties) {
    const std::string name = key.upper().to8Bit(true);
    if (name.empty() || tells_of_file(name)) continue;
    std::vector<std::string> texts;
    for (const TagLib::String& value : values) {
      std::string text = value.to8Bit(true);
      text.resize(std::min(text.find('\0'), text.size()));
      if (!text.empty()) texts.push_back(std::move(text));
    }
    std::size_t size = name.size();
    for (const std::string& text : texts) size += text.size();
    if (texts.empty()) continue;
    if (bytes + size > Tags::kMostTextBytes) {
      warnings.push_back(fmt::format("its tag {} of {} bytes is left out", name, size));
      continue;
    }
    bytes += size;
    tags.texts[name] = std::move(texts);
  }
}

void take_pictures(std::vector<Picture> pictures, Tags& tags, std::vector<std::string>& warnings) {
  std::size_t bytes = 0;
  for (Picture& picture : pictures) {
    const std::string_view type = picture_type(picture.bytes);
    if (type.empty()) {
      warnings.push_back(fmt::format("a cover that is no picture ({} bytes{}) is left out",
                                     picture.bytes.size(),
                                     picture.mime_type == "-->" ? ", a link" : ""));
      continue;
    }
    if (picture.bytes.size() > Tags::kMostPictureBytes ||
        bytes + picture.bytes.size() > Tags::kMostPicturesBytes) {
      warnings.push_back(
          fmt::format("a picture of {} bytes is left out: at most {} each, {} in all",
                      picture.bytes.size(), Tags::kMostPictureBytes, Tags::kMostPicturesBytes));
      continue;
    }
    picture.mime_type = type;
    if (picture.kind < 0 || picture.kind > 20) picture.kind = 0;  // "other"
    bytes += picture.bytes.size();
    tags.pictures.push_back(std::move(picture));
  }
  // Some kinds of file hold no kind of picture, and players take the first.
  std::ranges::stable_partition(
      tags.pictures, [](const Picture& picture) { return picture.kind == Picture::kFrontCover; });
}

}  // namespace

Tags read_tags(const std::filesystem::path& path, std::vector<std::string>& warnings) {
  set_string_handlers();
  Tags tags;
  TagLib::FileStream stream(path.c_str(), true);
  NamelessStream nameless(path);
  if (!stream.isOpen() || !nameless.isOpen()) return tags;
  TagLib::FileRef reference(&stream, false);
  if (reference.isNull() || reference.file()->properties().isEmpty())
    reference = TagLib::FileRef(&nameless, false);
  if (reference.isNull() || !reference.file()->isValid()) return tags;
  TagLib::PropertyMap properties = reference.file()->properties();
  add_free_items(*reference.file(), properties);
  take_texts(properties, tags, warnings);
  take_pictures(pictures_of(*reference.file()), tags, warnings);
  return tags;
}

}  // namespace metalaudio::audio
