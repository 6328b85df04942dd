#include <metalaudio/audio/reading/ffmpeg_input.h>
#include <metalaudio/audio/reading/ffmpeg_tags.h>
#include <metalaudio/audio/reading/file_section.h>
#include <metalaudio/audio/reading/read_log.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string>
#include <string_view>

namespace metalaudio::audio {
namespace {

struct Name {
  std::string_view theirs, ours;
};

/// FFmpeg's own names, Matroska's with its levels, those of Apple's CAF and QuickTime, and RIFF's.
/// Of several for one of ours the first that is there counts.
constexpr std::array kNames{
    Name{"TRACK/TITLE", "TITLE"},
    Name{"SONG/TITLE", "TITLE"},
    Name{"TITLE", "TITLE"},
    Name{"COM.APPLE.QUICKTIME.TITLE", "TITLE"},
    Name{"TRACK/ARTIST", "ARTIST"},
    Name{"SONG/ARTIST", "ARTIST"},
    Name{"ARTIST", "ARTIST"},
    Name{"AUTHOR", "ARTIST"},
    Name{"COM.APPLE.QUICKTIME.ARTIST", "ARTIST"},
    Name{"LEAD_PERFORMER", "ARTIST"},
    Name{"ALBUM", "ALBUM"},
    Name{"ALBUM/TITLE", "ALBUM"},
    Name{"COM.APPLE.QUICKTIME.ALBUM", "ALBUM"},
    Name{"PRODUCT", "ALBUM"},
    Name{"ALBUM_ARTIST", "ALBUMARTIST"},
    Name{"ALBUMARTIST", "ALBUMARTIST"},
    Name{"ALBUM ARTIST", "ALBUMARTIST"},
    Name{"ALBUM/ARTIST", "ALBUMARTIST"},
    Name{"TRACK", "TRACKNUMBER"},
    Name{"TRACKNUMBER", "TRACKNUMBER"},
    Name{"TRACK NUMBER", "TRACKNUMBER"},
    Name{"TRACK/PART_NUMBER", "TRACKNUMBER"},
    Name{"SONG/PART_NUMBER", "TRACKNUMBER"},
    Name{"PART_NUMBER", "TRACKNUMBER"},
    Name{"DISC", "DISCNUMBER"},
    Name{"DISCNUMBER", "DISCNUMBER"},
    Name{"ALBUM/PART_NUMBER", "DISCNUMBER"},
    Name{"DATE", "DATE"},
    Name{"YEAR", "DATE"},
    Name{"DATE_RELEASED", "DATE"},
    Name{"TRACK/DATE_RELEASED", "DATE"},
    Name{"ALBUM/DATE_RELEASED", "DATE"},
    Name{"DATE_RECORDED", "DATE"},
    Name{"RECORDED DATE", "DATE"},
    Name{"GENRE", "GENRE"},
    Name{"TRACK/GENRE", "GENRE"},
    Name{"ALBUM/GENRE", "GENRE"},
    Name{"COM.APPLE.QUICKTIME.GENRE", "GENRE"},
    Name{"COMMENT", "COMMENT"},
    Name{"COMMENTS", "COMMENT"},
    Name{"TRACK/COMMENT", "COMMENT"},
    Name{"ALBUM/COMMENT", "COMMENT"},
    Name{"COM.APPLE.QUICKTIME.COMMENT", "COMMENT"},
    Name{"COMPOSER", "COMPOSER"},
    Name{"TRACK/COMPOSER", "COMPOSER"},
    Name{"LYRICIST", "LYRICIST"},
    Name{"LYRICS", "LYRICS"},
    Name{"PERFORMER", "PERFORMER"},
    Name{"CONDUCTOR", "CONDUCTOR"},
    Name{"COPYRIGHT", "COPYRIGHT"},
    Name{"COM.APPLE.QUICKTIME.COPYRIGHT", "COPYRIGHT"},
    Name{"PUBLISHER", "LABEL"},
    Name{"ALBUM/PUBLISHER", "LABEL"},
    Name{"LANGUAGE", "LANGUAGE"},
    Name{"SUBTITLE", "SUBTITLE"},
    Name{"ISRC", "ISRC"},
    Name{"BPM", "BPM"},
    Name{"TEMPO", "BPM"},
    Name{"INITIAL_KEY", "INITIALKEY"},
    Name{"KEY SIGNATURE", "INITIALKEY"},
};

/// Containers whose tags have any name; elsewhere what is not in the table is mostly no tag.
constexpr std::array<std::string_view, 6> kOfAnyName{"matroska", "asf", "caf", "nut", "ogg", "tta"};

/// What programs write about the file, beside what no file's tags are read of (tags.cpp).
bool is_of_program(std::string_view name) {
  constexpr std::array<std::string_view, 5> kBeginnings{"_STATISTICS_", "WM/", "WMFSDK", "ASFLEAKY",
                                                        "COM."};
  constexpr std::array<std::string_view, 23> kWhole{
      "APPROXIMATE DURATION IN SECONDS",
      "AVERAGELEVEL",
      "BPS",
      "CHANNEL CONFIGURATION",
      "CHANNEL LAYOUT",
      "CREATION_TIME",
      "DEVICECONFORMANCETEMPLATE",
      "ENCODED_BY",
      "ENCODING APPLICATION",
      "HANDLER_NAME",
      "ISVBR",
      "MEDIAFOUNDATIONVERSION",
      "NOMINAL BIT RATE",
      "NUMBER_OF_BYTES",
      "NUMBER_OF_FRAMES",
      "PEAKVALUE",
      "SERVICE_NAME",
      "SERVICE_PROVIDER",
      "SOURCE BIT DEPTH",
      "SOURCE ENCODER",
      "SOURCE_ID",
      "VBR PEAK",
      "VENDOR_ID",
  };
  return std::ranges::find(kWhole, name) != kWhole.end() ||
         std::ranges::any_of(kBeginnings, [&](auto begin) { return name.starts_with(begin); });
}

bool is_known(std::string_view name) {
  return std::ranges::find(kNames, name, &Name::theirs) != kNames.end();
}

using Texts = std::map<std::string, std::string>;

/// By their names in capitals. FFmpeg appends a tag's language, if it has one, as in COMMENT-eng.
Texts texts_of(const AVDictionary* dictionary) {
  Texts texts;
  Texts in_a_language;
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(dictionary, "", entry, AV_DICT_IGNORE_SUFFIX))) {
    std::string name = entry->key;
    const bool has_language =
        name.size() > 4 && name[name.size() - 4] == '-' &&
        std::all_of(name.end() - 3, name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string_view base = std::string_view(name).substr(0, name.size() - 4);
    if (*entry->value == '\0') continue;
    if (has_language && (is_known(base) || is_of_program(base)))
      in_a_language.emplace(base, entry->value);
    else
      texts.emplace(name, entry->value);
  }
  texts.merge(in_a_language);
  return texts;
}

void take(const Texts& texts, bool of_any_name, Tags& tags) {
  for (const Name& name : kNames)
    if (const auto text = texts.find(std::string(name.theirs)); text != texts.end())
      tags.texts.try_emplace(std::string(name.ours), 1, text->second);
  // A level of Matroska's stands before a slash.
  for (const auto& [name, text] : texts)
    if (of_any_name && !is_known(name) && !is_of_program(name) &&
        name.find('/') == std::string::npos)
      tags.texts.try_emplace(name, 1, text);
}

std::string value_of(const AVDictionary* dictionary, const char* name) {
  const AVDictionaryEntry* entry = av_dict_get(dictionary, name, nullptr, 0);
  return entry ? entry->value : "";
}

/// The front cover is called cover.jpg in Matroska; fonts are attached as well.
std::vector<Picture> pictures_of(std::span<AVStream* const> streams) {
  std::vector<Picture> pictures;
  for (const AVStream* stream : streams) {
    std::span<const std::uint8_t> bytes;
    if ((stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0)
      bytes = {stream->attached_pic.data, static_cast<std::size_t>(stream->attached_pic.size)};
    else if (stream->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT &&
             value_of(stream->metadata, "mimetype").starts_with("image/"))
      bytes = {stream->codecpar->extradata,
               static_cast<std::size_t>(stream->codecpar->extradata_size)};
    if (bytes.empty()) continue;
    const bool is_other = !value_of(stream->metadata, "filename").starts_with("cover");
    pictures.push_back({std::string(bytes.begin(), bytes.end()), "",
                        value_of(stream->metadata, "title"), is_other ? 0 : Picture::kFrontCover});
  }
  if (pictures.size() == 1) pictures.front().kind = Picture::kFrontCover;
  return pictures;
}

}  // namespace

Tags tags_with_ffmpeg(const std::filesystem::path& path) {
  Tags tags;
  ReadLog log(path, true);
  FfmpegInput input(log);
  if (!input.open({"", 0, FileBytes(path).size()}).empty()) return tags;
  const AVFormatContext& file = input.file();
  const bool of_any_name =
      std::ranges::any_of(kOfAnyName, [&](auto name) { return input.is(name); });
  take(texts_of(file.metadata), of_any_name, tags);
  Texts of_track = texts_of(input.stream().metadata);
  // Elsewhere they tell of the track: "Stereo", "eng".
  if (!input.is("ogg"))
    for (const char* name : {"TITLE", "LANGUAGE"}) of_track.erase(name);
  take(of_track, of_any_name, tags);
  tags.pictures = pictures_of(std::span(file.streams, file.nb_streams));
  return tags;
}

}  // namespace metalaudio::audio
