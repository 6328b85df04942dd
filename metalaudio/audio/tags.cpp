#include <asffile.h>
#include <fileref.h>
#include <fmt/format.h>
#include <id3v1tag.h>
#include <id3v2framefactory.h>
#include <infotag.h>
#include <metalaudio/audio/reading/ffmpeg_tags.h>
#include <metalaudio/audio/reading/tag_pictures.h>
#include <metalaudio/audio/tags.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <mp4file.h>
#include <mpegfile.h>
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

/// AAC and others with a tag before them, of which TagLib does not know what follows.
bool begins_with_id3(TagLib::IOStream& stream) {
  stream.seek(0);
  return stream.readBlock(3) == TagLib::ByteVector("ID3");
}

/// What TagLib has not found.
void add_with_ffmpeg(const std::filesystem::path& path, TagLib::PropertyMap& properties,
                     std::vector<Picture>& pictures) {
  Tags more;
  try {
    more = tags_with_ffmpeg(path);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
  }
  for (const auto& [name, values] : more.texts)
    for (const std::string& value : values)
      if (const TagLib::String key(name, TagLib::String::UTF8); !properties.contains(key))
        properties.insert(
            key, guessed(TagLib::ByteVector(value.data(), static_cast<unsigned>(value.size()))));
  if (pictures.empty()) pictures = std::move(more.pictures);
}

/// FFmpeg and some players write these into tags whose names are free.
void use_common_names(TagLib::PropertyMap& properties) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kNames{
      {{"ALBUM_ARTIST", "ALBUMARTIST"}, {"ALBUM ARTIST", "ALBUMARTIST"}, {"USLT", "LYRICS"}}};
  for (const auto& [other, name] : kNames) {
    if (!properties.contains(other)) continue;
    if (!properties.contains(name)) properties.insert(name, properties[other]);
    properties.erase(other);
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
      warnings.push_back(fmt::format("its tag {} of {} is left out", name, counted(size, "byte")));
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
      warnings.push_back(fmt::format("a cover that is no picture ({}{}) is left out",
                                     counted(picture.bytes.size(), "byte"),
                                     picture.mime_type == "-->" ? ", a link" : ""));
      continue;
    }
    if (picture.bytes.size() > Tags::kMostPictureBytes ||
        bytes + picture.bytes.size() > Tags::kMostPicturesBytes) {
      warnings.push_back(fmt::format("a picture of {} is left out: at most {} each, {} in all",
                                     counted(picture.bytes.size(), "byte"), Tags::kMostPictureBytes,
                                     Tags::kMostPicturesBytes));
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
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return tags;
  TagLib::FileStream stream(path.c_str(), true);
  NamelessStream nameless(path);
  if (!stream.isOpen() || !nameless.isOpen()) return tags;
  TagLib::FileRef reference(&stream, false);
  if (reference.isNull() || reference.file()->properties().isEmpty())
    reference = TagLib::FileRef(&nameless, false);
  if (reference.isNull() && begins_with_id3(nameless))
    reference = TagLib::FileRef(
        new TagLib::MPEG::File(&nameless, TagLib::ID3v2::FrameFactory::instance(), false));
  TagLib::PropertyMap properties;
  std::vector<Picture> pictures;
  const bool is_valid = !reference.isNull() && reference.file()->isValid();
  if (is_valid) {
    properties = reference.file()->properties();
    add_free_items(*reference.file(), properties);
    pictures = pictures_of(*reference.file());
  }
  // Of ASF's attributes TagLib gives those that Microsoft has named.
  const bool has_more = is_valid && dynamic_cast<TagLib::ASF::File*>(reference.file());
  if (has_more || (properties.isEmpty() && pictures.empty()))
    add_with_ffmpeg(path, properties, pictures);
  use_common_names(properties);
  take_texts(properties, tags, warnings);
  take_pictures(std::move(pictures), tags, warnings);
  return tags;
}

}  // namespace metalaudio::audio
