#include <metalaudio/audio/tags.h>

#include <algorithm>
#include <fstream>

#include "test_files.h"

extern "C" {
#include <libavformat/avformat.h>
}

namespace metalaudio::audio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Texts = std::map<std::string, std::vector<std::string>>;

const std::string kPng = "\x89PNG\r\n\x1A\n and the rest";
const std::string kJpeg = "\xFF\xD8\xFF\xE0 and the rest";

/// What FFmpeg sees, in lower case.
struct Seen {
  std::map<std::string, std::string> texts;
  std::vector<std::string> pictures;
};

Seen see(const std::filesystem::path& path) {
  Seen seen;
  AVFormatContext* input = nullptr;
  if (avformat_open_input(&input, path.c_str(), nullptr, nullptr) < 0) return seen;
  avformat_find_stream_info(input, nullptr);
  const auto take = [&](const AVDictionary* dictionary) {
    const AVDictionaryEntry* entry = nullptr;
    while ((entry = av_dict_get(dictionary, "", entry, AV_DICT_IGNORE_SUFFIX))) {
      std::string key = entry->key;
      std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
      seen.texts[key] = entry->value;
    }
  };
  take(input->metadata);
  for (const AVStream* stream : std::span(input->streams, input->nb_streams)) {
    if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) take(stream->metadata);
    if ((stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0)
      seen.pictures.emplace_back(reinterpret_cast<const char*>(stream->attached_pic.data),
                                 stream->attached_pic.size);
  }
  avformat_close_input(&input);
  return seen;
}

Tags song_tags() {
  Tags tags;
  tags.texts = {
      {"TITLE", {"Über den Wolken"}}, {"ARTIST", {"Ярослав"}},  {"ALBUM", {"Live"}},
      {"TRACKNUMBER", {"3/9"}},       {"DATE", {"1974"}},       {"GENRE", {"Folk"}},
      {"COMMENT", {"two\nlines"}},    {"SUBTITLE", {"vocals"}}, {"MOOD OF MINE", {"calm"}}};
  tags.pictures = {{kJpeg, "image/jpeg", "front", Picture::kFrontCover},
                   {kPng, "image/png", "band", 10}};
  return tags;
}

Tags read(const std::filesystem::path& path) {
  std::vector<std::string> warnings;
  Tags tags = read_tags(path, warnings);
  EXPECT_THAT(warnings, IsEmpty());
  return tags;
}

class WrittenTags : public ::testing::TestWithParam<AudioWriterOptions> {};

TEST_P(WrittenTags, AreReadByOthersAndLeaveTheSamplesAlone) {
  const TemporaryFolder folder;
  AudioWriterOptions options = GetParam();
  const AudioBuffer samples = noise(2, 30001, 0.5f);
  const std::string ending = "." + std::string(extension_of(options.type));
  const auto plain = folder / ("plain" + ending);
  const auto tagged = folder / ("tagged" + ending);
  write_file(plain, samples, options);
  options.tags = song_tags();
  write_file(tagged, samples, options);

  const AudioBuffer expected = read_file(plain);
  AudioReader reader(tagged);
  AudioBuffer all(2, expected.frames() + 1000);
  EXPECT_EQ(reader.read(all), expected.frames());
  EXPECT_THAT(reader.warnings(), IsEmpty());
  EXPECT_GT(snr_db(expected, read_file(tagged)), 250.0);

  const Seen seen = see(tagged);
  for (const auto& [key, value] : std::map<std::string, std::string>{{"title", "Über den Wolken"},
                                                                     {"artist", "Ярослав"},
                                                                     {"album", "Live"},
                                                                     {"date", "1974"},
                                                                     {"genre", "Folk"}})
    EXPECT_EQ(seen.texts.contains(key) ? seen.texts.at(key) : "none", value) << key;
  EXPECT_EQ(seen.pictures.size(), 2U);
  EXPECT_THAT(seen.pictures, ::testing::Contains(kJpeg));

  const Tags back = read(tagged);
  EXPECT_EQ(back.texts.at("TITLE").front(), "Über den Wolken");
  EXPECT_EQ(back.texts.at("TRACKNUMBER").front(), "3/9");
  EXPECT_EQ(back.texts.at("COMMENT").front(), "two\nlines");
  EXPECT_EQ(back.texts.at("MOOD OF MINE").front(), "calm");
  EXPECT_EQ(back.texts.at("SUBTITLE").front(), "vocals");
  ASSERT_EQ(back.pictures.size(), 2U);
  EXPECT_EQ(back.pictures[0].bytes, kJpeg);
  EXPECT_EQ(back.pictures[1].bytes, kPng);
  EXPECT_EQ(back.pictures[0].mime_type, "image/jpeg");
}

INSTANTIATE_TEST_SUITE_P(
    Files, WrittenTags,
    ::testing::Values(
        AudioWriterOptions{}, AudioWriterOptions{.sample_format = SampleFormat::pcm24},
        AudioWriterOptions{.sample_format = SampleFormat::float32},
        AudioWriterOptions{.type = FileType::flac}, AudioWriterOptions{.type = FileType::mp3},
        AudioWriterOptions{.type = FileType::ogg}, AudioWriterOptions{.type = FileType::opus},
        AudioWriterOptions{.type = FileType::m4a},
        AudioWriterOptions{.type = FileType::m4a, .lossless = true}),
    [](const auto& test) {
      return std::to_string(test.index) + "_" + std::string(extension_of(test.param.type));
    });

std::uint64_t number(const std::string& bytes, std::size_t place, int count) {
  std::uint64_t value = 0;
  for (int i = count; i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[place + static_cast<std::size_t>(i)]);
  return value;
}

TEST(WrittenTags, AWavOfAnyLengthStatesItsSize) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  // Of one channel, one frame and 8 bits more than even: the chunks begin at even places.
  AudioWriterOptions options{
      .channels = 1, .sample_format = SampleFormat::pcm24, .tags = song_tags()};
  write_file(path, noise(1, 1001), options);
  std::string bytes = read_bytes(path);
  EXPECT_EQ(number(bytes, 4, 4), bytes.size() - 8);
  options.expected_frames = std::int64_t{3} << 30;
  write_file(path, noise(1, 1001), options);
  bytes = read_bytes(path);
  ASSERT_EQ(bytes.substr(0, 4), "RF64");
  EXPECT_EQ(number(bytes, 20, 8), bytes.size() - 8);
  EXPECT_EQ(read_file(path).frames(), 1001U);
  EXPECT_EQ(see(path).texts["title"], "Über den Wolken");
}

/// A file of one MP3 frame and more, behind an ID3v2.3 tag made by hand.
class TagsOfOthers : public ::testing::Test {
 protected:
  static std::string big(std::size_t value, unsigned bits) {
    std::string bytes;
    for (int i = 3; i >= 0; --i)
      bytes += static_cast<char>(value >> (static_cast<unsigned>(i) * bits) & ((1U << bits) - 1U));
    return bytes;
  }
  static std::string frame(const std::string& name, const std::string& body) {
    return name + big(body.size(), 8) + std::string(2, '\0') + body;
  }
  static std::string text(const std::string& value) { return std::string(1, '\0') + value; }
  static std::string picture(const std::string& mime, const std::string& bytes) {
    return frame("APIC", text(mime) + std::string("\0\3\0", 3) + bytes);
  }

  std::filesystem::path mp3_with(const std::string& frames) const {
    write_file(folder_ / "plain.mp3", noise(2, 20000), {.type = FileType::mp3});
    write_text(folder_ / "a.mp3", "ID3" + std::string("\3\0\0", 3) + big(frames.size(), 7) +
                                      frames + read_bytes(folder_ / "plain.mp3"));
    return folder_ / "a.mp3";
  }

  TemporaryFolder folder_;
};

TEST_F(TagsOfOthers, LoseWhatHoldsForTheirFileAlone) {
  const Tags tags = read(mp3_with(
      frame("TIT2", text("Song")) + frame("TSSE", text("LAME 3.100")) +
      frame("TLEN", text("12345")) + frame("TENC", text("me")) + frame("TBPM", text("120")) +
      frame("TXXX", text("REPLAYGAIN_TRACK_GAIN") + std::string(1, '\0') + "-3 dB") +
      frame("TXXX", text("replaygain_track_peak") + std::string(1, '\0') + "1.0") +
      frame("TXXX", text("MP3GAIN_MINMAX") + std::string(1, '\0') + "1,2") +
      frame("TXXX", text("My own") + std::string(1, '\0') + "kept") +
      frame("COMM", text("eng") + "iTunNORM" + std::string(1, '\0') + "0000")));
  EXPECT_EQ(tags.texts, (Texts{{"TITLE", {"Song"}}, {"BPM", {"120"}}, {"MY OWN", {"kept"}}}));
}

TEST_F(TagsOfOthers, LeaveOutPicturesThatAreNone) {
  std::vector<std::string> warnings;
  const Tags tags = read_tags(
      mp3_with(picture("image/jpeg", "no picture at all") + picture("-->", "http://a/b.jpg") +
               picture("image/jpeg", "") + picture("image/gif", kPng) +
               picture("image/jpeg", kJpeg + std::string(Tags::kMostPictureBytes, 'x'))),
      warnings);
  ASSERT_EQ(tags.pictures.size(), 1U) << "the one that is there, by its own type";
  EXPECT_EQ(tags.pictures[0].mime_type, "image/png");
  EXPECT_EQ(warnings.size(), 4U);
  EXPECT_THAT(warnings, ::testing::Contains(HasSubstr("17 bytes) is left out")));
  EXPECT_THAT(warnings, ::testing::Contains(HasSubstr("a link) is left out")));
  EXPECT_THAT(warnings, ::testing::Contains(HasSubstr("at most 16773120 each")));
}

TEST_F(TagsOfOthers, ThatAreDamagedAreNone) {
  write_text(folder_ / "a.mp3", "ID3\3" + std::string(1, '\0') + "\x7F\x7F\x7F\x7F" + "TIT2");
  EXPECT_TRUE(read(folder_ / "a.mp3").empty());
  write_text(folder_ / "a.flac", "fLaC\x04\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
  EXPECT_TRUE(read(folder_ / "a.flac").empty());
  write_text(folder_ / "empty.wav", "");
  EXPECT_TRUE(read(folder_ / "empty.wav").empty());
  EXPECT_TRUE(read(folder_ / "missing.wav").empty());
  EXPECT_TRUE(read(folder_.path()).empty());
}

TEST_F(TagsOfOthers, WithoutAnEncodingAreUtf8OrLatin1) {
  const auto wav = folder_ / "a.wav";
  write_file(wav, noise(1, 1000), {.channels = 1});
  const std::string latin = "M\xE4rz";
  const std::string utf8 = "Mai – Lied!";  // 13 bytes and a zero
  std::string info = "INFOINAM" + std::string("\x05\0\0\0", 4) + latin + std::string(2, '\0') +
                     "IART" + std::string("\x0E\0\0\0", 4) + utf8 + std::string(1, '\0');
  std::string bytes = read_bytes(wav) + "LIST";
  bytes += static_cast<char>(info.size());
  bytes += std::string(3, '\0') + info;
  bytes[4] = static_cast<char>((bytes.size() - 8) & 0xFF);
  bytes[5] = static_cast<char>((bytes.size() - 8) >> 8);
  write_text(wav, bytes);
  EXPECT_EQ(read(wav).texts, (Texts{{"TITLE", {"März"}}, {"ARTIST", {utf8}}}));
}

TEST_F(TagsOfOthers, AreKnownByTheContentOfTheirFile) {
  const auto path = mp3_with(frame("TIT2", text("Song")));
  std::filesystem::rename(path, folder_ / "a.wav");
  EXPECT_EQ(read(folder_ / "a.wav").texts, (Texts{{"TITLE", {"Song"}}}));
}

TEST_F(TagsOfOthers, BeyondTheLimitAreLeftOut) {
  std::vector<std::string> warnings;
  const Tags tags = read_tags(mp3_with(frame("TXXX", text("HUGE") + std::string(1, '\0') +
                                                         std::string(Tags::kMostTextBytes, 'x')) +
                                       frame("TIT2", text("Song"))),
                              warnings);
  EXPECT_EQ(tags.texts, (Texts{{"TITLE", {"Song"}}}));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("HUGE")));
}

}  // namespace
}  // namespace metalaudio::audio
