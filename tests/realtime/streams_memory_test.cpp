// None of the classes of the audio callback meets a page that is not mapped, from its first block
// on, while another process fills memory.
#include "tests/realtime/streams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/nn/amp_models.h"
#include "tests/support/page_faults.h"

namespace metalaudio::testing {
namespace {

class PageFaultsOf : public ::testing::TestWithParam<Streamed> {};

TEST_P(PageFaultsOf, BlocksOf64AreNone) {
  const std::vector<float> x = amp_models::random_weights(64, 6, 0.7F);
  std::vector<float> y(64);
  expect_no_page_faults([] { return std::make_unique<StreamBlock>(GetParam().make()); },
                        [&](const StreamBlock& process) {
                          process(ConstAudioView(std::span<const float>(x)),
                                  AudioView(std::span<float>(y)));
                        });
}

// The other classes are in tests/dsp and tests/nn.
std::vector<Streamed> networks() {
  std::vector<Streamed> list;
  for (const Streamed& stream : all_streams()) {
    const bool amp = stream.name.starts_with("Amp") || stream.name.starts_with("Swappable");
    if (amp || stream.name == "GraphInference" || stream.name == "Sequential" ||
        stream.name == "InferenceQueue")
      list.push_back(stream);
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, PageFaultsOf, ::testing::ValuesIn(networks()),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace metalaudio::testing
