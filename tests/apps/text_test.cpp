#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/separation/output_levels.h>

#include <filesystem>
#include <stdexcept>

#include <new>
#include <stdexcept>

#include "apps/terminal/display_text.h"
#include "apps/terminal/failure_text.h"
#include "apps/terminal/figure_text.h"
#include "apps/terminal/progress_text.h"

namespace metalaudio::apps {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

TEST(DisplayText, IsUtf8OnOneLine) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(display_text("Größe \xF0\x9F\x8E\xB5"), "Größe \xF0\x9F\x8E\xB5");
  EXPECT_EQ(display_text("a\nb\x1b[0m\x7F"), "a b [0m ");
  EXPECT_EQ(display_text("\xFF"), bad);
  EXPECT_EQ(display_text("caf\xE9"), "caf" + bad);
  EXPECT_EQ(display_text("\xC0\xAF"), bad + bad) << "an overlong slash";
  EXPECT_EQ(display_text("\xED\xA0\x80"), bad + bad + bad) << "half a surrogate pair";
  EXPECT_EQ(display_text("\xF4\x90\x80\x80"), bad + bad + bad + bad) << "beyond Unicode";
  EXPECT_EQ(display_text("\xF0\x9F\x8E"), bad + bad + bad) << "cut off";
  EXPECT_EQ(display_text("\xC2\x9B"
                         "31m"),
            bad + "31m")
      << "a control sequence in one character";
  EXPECT_EQ(display_text("a\xE2\x80\xAE"
                         "b"),
            "a" + bad + "b")
      << "right to left";
  EXPECT_EQ(character_count("Größe"), 5U);
}

TEST(GainText, IsInDecibels) {
  EXPECT_EQ(gain_text(0.99F), "turned down by 0.09 dB, so that it does not clip");
  EXPECT_EQ(gain_text(1.0F), "");
}

TEST(TimeText, WritesMinutesAndHours) {
  EXPECT_EQ(clock_text(0.2), "0:00");
  EXPECT_EQ(clock_text(205.4), "3:25");
  EXPECT_EQ(clock_text(3725), "1:02:05");
}

TEST(TimeText, WritesSpeed) {
  EXPECT_EQ(speed_text(4.93), "4.9");
  EXPECT_EQ(speed_text(0.049), "0.05");
}

TEST(TimeText, WritesMemory) {
  EXPECT_EQ(memory_text(612ULL << 20U), "612 MB");
  EXPECT_EQ(memory_text(2048ULL << 20U), "2.0 GB");
}

TEST(ProgressText, FiguresAreWorkedOutFromTheFraction) {
  const ProgressState state{"song", 0.25, 10.0, 200.0};  // 50 s of audio in 10 s
  EXPECT_DOUBLE_EQ(times_real_time(state), 5.0);
  EXPECT_EQ(progress_figures(state), " 25 %, 5.0 x real time, 0:30 left");
  EXPECT_EQ(progress_figures({"song", 0.0, 1.0, 200.0}), "  0 %");
}

TEST(ProgressText, ABarFitsItsTerminal) {
  const ProgressState state{std::string(200, 'x'), 0.5, 10.0, 200.0};
  for (const std::size_t columns : {120U, 80U, 40U, 10U}) {
    const std::string bar = progress_bar(state, columns);
    // The ellipsis is one column in three bytes.
    EXPECT_LE(bar.size(), columns + 2) << bar;
  }
  EXPECT_THAT(progress_bar(state, 120), HasSubstr("[############------------]"));
}

TEST(ProgressText, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(shortened("abcdefghij", 5), "ab…ij");
  EXPECT_EQ(shortened("ääääääääää", 5), "ää…ää");
}

TEST(ProgressText, EachTenthIsReportedOnce) {
  ProgressSteps steps;
  std::vector<double> reported;
  for (int i = 0; i <= 1000; ++i)
    if (steps.next(i / 1000.0)) reported.push_back(i / 1000.0);
  EXPECT_THAT(reported, ElementsAre(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9));
}

TEST(FailureText, NamesTheFileOnce) {
  EXPECT_EQ(failure_text("a.wav", "[AudioReader] not audio"), "a.wav: not audio");
  EXPECT_EQ(failure_text("a.wav", "[AudioReader] a.wav: not audio"), "a.wav: not audio");
  EXPECT_EQ(failure_text("", "plain"), "plain");
  EXPECT_EQ(failure_text("s.wav", "out/bass.wav: full"), "s.wav: out/bass.wav: full");
}

TEST(FailureText, TellsThatMemoryRanOut) {
  EXPECT_EQ(reason_of(std::bad_alloc()), "not enough memory");
  EXPECT_EQ(reason_of(std::runtime_error("plain")), "plain");
}

TEST(FailureText, TellsTheFileSystemsErrorsAsOthers) {
  const std::filesystem::filesystem_error error(
      "cannot make absolute path", "stems/bass.wav",
      std::make_error_code(std::errc::no_such_file_or_directory));
  EXPECT_EQ(reason_of(error), "stems/bass.wav: No such file or directory");
  EXPECT_EQ(reason_of(std::runtime_error("plain")), "plain");
}

TEST(FailureText, KeepsControlCharactersFromTheTerminal) {
  EXPECT_EQ(failure_text("a\x1b[2J.wav", "bad\nnews"), "a [2J.wav: bad news");
}

TEST(OutputLevels, RescaleIsUpstreamsPreventClip) {
  EXPECT_THAT(separation::output_gains({0.5F, 2.0F}, separation::ClipMode::rescale, false),
              ElementsAre(FloatEq(1.0F), FloatEq(1.0F / 2.02F)));
  EXPECT_THAT(separation::output_gains({0.5F, 2.0F}, separation::ClipMode::clamp, false),
              Each(1.0F));
  EXPECT_THAT(separation::output_gains({0.5F, 2.0F}, separation::ClipMode::none, false),
              Each(1.0F));
}

TEST(OutputLevels, OneGainKeepsTheSum) {
  EXPECT_THAT(separation::output_gains({0.5F, 2.0F, 4.0F}, separation::ClipMode::rescale, true),
              Each(FloatEq(1.0F / 4.04F)));
}

}  // namespace
}  // namespace metalaudio::apps
