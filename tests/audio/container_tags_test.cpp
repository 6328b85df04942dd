#include <metalaudio/audio/tags.h>

#include <fstream>
#include <random>

#include "test_files.h"

namespace metalaudio::audio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Texts = std::map<std::string, std::vector<std::string>>;

const std::string kPng = "\x89PNG\r\n\x1A\n and the rest";
const std::string kJpeg = "\xFF\xD8\xFF\xE0 and the rest";
const std::string kWebp = "RIFF1234WEBP and the rest";

Tags read(const std::filesystem::path& path) {
  std::vector<std::string> warnings;
  Tags tags = read_tags(path, warnings);
  EXPECT_THAT(warnings, IsEmpty());
  return tags;
}

struct Container {
  const char* name;     ///< FFmpeg's
  const char* codec;    ///< FFmpeg's
  bool has_all = true;  ///< otherwise what RIFF's INFO and QuickTime have a place for
};

void PrintTo(const Container& container, std::ostream* out) { *out << container.name; }

class TagsOfContainers : public ::testing::TestWithParam<Container> {
 protected:
  /// A second of sound in the container, with these tags.
  std::filesystem::path file_with(const ContainerTags& tags) const {
    return file_with(tags, GetParam().name, GetParam().codec);
  }
  std::filesystem::path file_with(const ContainerTags& tags, const char* container,
                                  const char* codec) const {
    encode_with_ffmpeg(folder_ / "sound.nut", tones(2, 48000, 48000), 48000, "nut", codec);
    const auto path = folder_ / "tagged";
    remux_with_ffmpeg(path, container, {folder_ / "sound.nut"}, 0, 0.0, tags);
    return path;
  }

  TemporaryFolder folder_;
};

TEST_P(TagsOfContainers, AreRead) {
  const Tags tags = read(file_with({.texts = {{"title", "Über den Wolken"},
                                              {"artist", "Ярослав"},
                                              {"album", "Live"},
                                              {"album_artist", "Various"},
                                              {"track", "3/9"},
                                              {"disc", "1/2"},
                                              {"date", "1974"},
                                              {"genre", "Folk"},
                                              {"comment", "two\nlines"},
                                              {"composer", "R. M."},
                                              {"publisher", "Intercord"},
                                              {"copyright", "(c)"},
                                              {"moodofmine", "calm"},
                                              {"encoded_by", "a program"},
                                              {"replaygain_track_gain", "-3 dB"}}}));
  Texts expected{{"TITLE", {"Über den Wolken"}},
                 {"ARTIST", {"Ярослав"}},
                 {"ALBUM", {"Live"}},
                 {"DATE", {"1974"}},
                 {"GENRE", {"Folk"}},
                 {"COMMENT", {"two\nlines"}},
                 {"COPYRIGHT", {"(c)"}}};
  if (GetParam().has_all)
    expected.merge(Texts{{"ALBUMARTIST", {"Various"}},
                         {"TRACKNUMBER", {"3/9"}},
                         {"DISCNUMBER", {"1/2"}},
                         {"COMPOSER", {"R. M."}},
                         {"LABEL", {"Intercord"}},
                         {"MOODOFMINE", {"calm"}}});
  Tags known = tags;
  if (!GetParam().has_all) known.texts.erase("TRACKNUMBER");
  EXPECT_EQ(known.texts, expected);
  EXPECT_THAT(tags.pictures, IsEmpty());
}

TEST_P(TagsOfContainers, AreNoneWhereThereAreNone) {
  EXPECT_TRUE(read(file_with({})).empty());
  EXPECT_TRUE(read(file_with({.track_texts = {{"title", "Stereo"}, {"language", "ger"}}})).empty());
}

TEST_P(TagsOfContainers, OfDamagedFilesEndSomehow) {
  const auto path = file_with({.texts = {{"title", "Song"}, {"artist", "Band"}}});
  const std::string whole = read_bytes(path);
  std::mt19937 random(7);
  for (int run = 0; run < 60; ++run) {
    std::string bytes = whole;
    for (int change = 0; change < 20; ++change)
      bytes[random() % std::min<std::size_t>(bytes.size(), 2000)] = static_cast<char>(random());
    bytes.resize(run % 2 == 0 ? bytes.size() : random() % bytes.size());
    write_text(path, bytes);
    std::vector<std::string> warnings;
    read_tags(path, warnings);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, TagsOfContainers,
                         ::testing::Values(Container{"matroska", "libvorbis"},
                                           Container{"webm", "libopus"},
                                           Container{"caf", "libopus"}, Container{"asf", "wmav2"},
                                           Container{"nut", "aac"}, Container{"mov", "aac", false},
                                           Container{"avi", "ac3", false}),
                         [](const auto& test) { return std::string(test.param.name); });

using TagsOfMatroska = TagsOfContainers;

TEST_F(TagsOfMatroska, HaveLevelsAndLanguages) {
  const auto path = file_with({.texts = {{"TRACK/TITLE", "Song"},
                                         {"ALBUM/TITLE", "Album"},
                                         {"ALBUM/ARTIST", "Various"},
                                         {"ARTIST", "Band"},
                                         {"PART_NUMBER", "3"},
                                         {"ALBUM/DATE_RELEASED", "1974"},
                                         {"ARTIST/URL", "http://band"},
                                         {"COMMENT-ger", "Schön"},
                                         {"my-own", "kept"}},
                               .track_texts = {{"BPS", "320000"},
                                               {"NUMBER_OF_BYTES-eng", "1"},
                                               {"_STATISTICS_TAGS", "BPS"},
                                               {"COMPOSER", "of the track"}}},
                              "matroska", "libvorbis");
  EXPECT_EQ(read(path).texts, (Texts{{"TITLE", {"Song"}},
                                     {"ALBUM", {"Album"}},
                                     {"ALBUMARTIST", {"Various"}},
                                     {"ARTIST", {"Band"}},
                                     {"TRACKNUMBER", {"3"}},
                                     {"DATE", {"1974"}},
                                     {"COMMENT", {"Schön"}},
                                     {"MY-OWN", {"kept"}},
                                     {"COMPOSER", {"of the track"}}}));
}

TEST_F(TagsOfMatroska, HavePicturesAmongWhatIsAttached) {
  const Tags tags = read(file_with({.attachments = {{"back.png", "image/png", kPng},
                                                    {"font.ttf", "font/ttf", "no picture"},
                                                    {"cover.jpg", "image/jpeg", kJpeg},
                                                    {"inner.webp", "image/webp", kWebp}}},
                                   "matroska", "libvorbis"));
  ASSERT_EQ(tags.pictures.size(), 3U);
  EXPECT_EQ(tags.pictures[0].bytes, kJpeg) << "the cover comes first";
  EXPECT_EQ(tags.pictures[0].kind, Picture::kFrontCover);
  EXPECT_EQ(tags.pictures[0].mime_type, "image/jpeg");
  EXPECT_EQ(tags.pictures[1].bytes, kPng);
  EXPECT_EQ(tags.pictures[1].kind, 0);
  EXPECT_EQ(tags.pictures[2].bytes, kWebp);
  EXPECT_TRUE(tags.texts.empty());
}

TEST_F(TagsOfMatroska, LeaveOutAPictureThatIsNone) {
  std::vector<std::string> warnings;
  const Tags tags = read_tags(
      file_with({.attachments = {{"cover.jpg", "image/jpeg", "no picture"}}}, "matroska", "aac"),
      warnings);
  EXPECT_TRUE(tags.empty());
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("10 bytes) is left out")));
}

using TagsOfCaf = TagsOfContainers;

/// The names that Apple's programs write.
TEST_F(TagsOfCaf, HaveNamesOfTheirOwn) {
  const auto path = file_with({.texts = {{"track number", "3"},
                                         {"year", "1974"},
                                         {"comments", "good"},
                                         {"tempo", "120"},
                                         {"key signature", "Am"},
                                         {"encoding application", "afconvert"},
                                         {"approximate duration in seconds", "1"}}},
                              "caf", "libopus");
  EXPECT_EQ(read(path).texts, (Texts{{"TRACKNUMBER", {"3"}},
                                     {"DATE", {"1974"}},
                                     {"COMMENT", {"good"}},
                                     {"BPM", {"120"}},
                                     {"INITIALKEY", {"Am"}}}));
}

/// As it is in Latin-1 where it is not UTF-8.
TEST_F(TagsOfCaf, AreOfAnyEncoding) {
  const auto path =
      file_with({.texts = {{"title", "M\xE4rz"}, {"artist", "Mai – Lied!"}}}, "caf", "libopus");
  EXPECT_EQ(read(path).texts, (Texts{{"TITLE", {"März"}}, {"ARTIST", {"Mai – Lied!"}}}));
}

using TagsOfAac = TagsOfContainers;

/// Of a tag before frames that TagLib does not know it still reads all, its pictures too.
TEST_F(TagsOfAac, StandBeforeIt) {
  write_file(folder_ / "a.mp3", noise(2, 20000),
             {.type = FileType::mp3,
              .tags = {.texts = {{"TITLE", {"Song"}}},
                       .pictures = {{kJpeg, "image/jpeg", "", 3}, {kPng, "image/png", "", 4}}}});
  const std::string mp3 = read_bytes(folder_ / "a.mp3");
  std::size_t size = 0;
  for (int i = 6; i < 10; ++i) size = size << 7U | static_cast<unsigned char>(mp3[i]);
  for (const auto& [container, codec] : {std::pair{"adts", "aac"}, std::pair{"ac3", "ac3"}}) {
    encode_with_ffmpeg(folder_ / "plain", tones(2, 48000, 48000), 48000, container, codec);
    for (const char* name : {"a.aac", "a"}) {
      write_text(folder_ / name, mp3.substr(0, size + 10) + read_bytes(folder_ / "plain"));
      const Tags tags = read(folder_ / name);
      EXPECT_EQ(tags.texts, (Texts{{"TITLE", {"Song"}}})) << container;
      EXPECT_EQ(tags.pictures.size(), 2U) << container;
    }
  }
}

/// FFmpeg's own spelling where names are free.
TEST(TagsOfFreeNames, NameTheAlbumArtist) {
  const TemporaryFolder folder;
  write_file(folder / "a.flac", noise(2, 2000),
             {.type = FileType::flac, .tags = {.texts = {{"ALBUM_ARTIST", {"Various"}}}}});
  EXPECT_EQ(read(folder / "a.flac").texts, (Texts{{"ALBUMARTIST", {"Various"}}}));
}

}  // namespace
}  // namespace metalaudio::audio
