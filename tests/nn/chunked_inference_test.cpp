#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/chunked_inference.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "stream_plans.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn {
namespace {

using Samples = std::vector<float>;

void pass_through(ConstAudioView in, AudioView out) {
  for (std::size_t c = 0; c < in.channels(); ++c) {
    std::ranges::copy(in.channel(c), out.channel(c).begin());
  }
}

/// In place, in blocks of random sizes.
Samples run(ChunkedInference& chunks, Samples x, std::size_t most) {
  std::mt19937 random(1);
  for (std::size_t at = 0; at < x.size();) {
    const std::size_t count = std::min<std::size_t>(1 + random() % most, x.size() - at);
    const AudioView block{std::span<float>(x.data() + at, count)};
    chunks.process(block, block);
    at += count;
  }
  return x;
}

const ChunkFade kFades[] = {ChunkFade::none, ChunkFade::linear, ChunkFade::hann};

// The two weights of a sample sum to 1, so what goes through unchanged comes out unchanged.
TEST(ChunkedInference, DelaysByItsLatencyForEveryFadeOverlapAndBlock) {
  const Samples x = noise(3000, 1);
  for (const ChunkFade fade : kFades) {
    for (const auto& [chunk, overlap] : {std::pair<std::size_t, std::size_t>(1, 0),
                                         {2, 1},
                                         {64, 0},
                                         {64, 32},
                                         {100, 33},
                                         {512, 7}}) {
      ChunkedInference chunks(pass_through,
                              {.chunk_samples = chunk, .overlap_samples = overlap, .fade = fade});
      EXPECT_EQ(chunks.latency_samples(), chunk - 1 - (fade == ChunkFade::none ? overlap / 2 : 0));
      Samples expected(chunks.latency_samples(), 0.0F);
      expected.insert(expected.end(), x.begin(), x.end());
      expected.resize(x.size());
      for (const std::size_t most : {1U, 50U, 3000U}) {
        chunks.reset();
        EXPECT_EQ(run(chunks, x, most), expected) << chunk << " " << overlap << " " << most;
      }
    }
  }
}

TEST(ChunkedInference, FadesFromChunkToChunk) {
  for (const ChunkFade fade : kFades) {
    float number = 0.0F;
    const auto numbered = [&](ConstAudioView, AudioView out) {
      std::ranges::fill(out.channel(0), number);
      number += 1.0F;
    };
    ChunkedInference chunks(numbered, {.chunk_samples = 16, .overlap_samples = 8, .fade = fade});
    const Samples y = run(chunks, Samples(200), 200);
    // The overlap of the chunks 9 and 10 begins 80 samples after that of silence and the first.
    const std::size_t start = 7 + 80;
    for (std::size_t i = 0; i < 8; ++i) {
      const double part = (static_cast<double>(i) + 0.5) / 8.0;
      const double weight = fade == ChunkFade::linear ? part
                            : fade == ChunkFade::hann
                                ? 0.5 - 0.5 * std::cos(std::numbers::pi * part)
                                : 1.0;
      EXPECT_NEAR(y[start + i], 9.0 + weight, 1e-5) << int(fade) << " " << i;
    }
  }
}

TEST(ChunkedInference, GivesTheFunctionWholeChunksWithTheirOverlap) {
  const Samples x = noise(400, 2);
  std::vector<Samples> seen;
  const auto look = [&](ConstAudioView in, AudioView out) {
    seen.emplace_back(in.channel(0).begin(), in.channel(0).end());
    pass_through(in, out);
  };
  ChunkedInference chunks(look, {.chunk_samples = 50, .overlap_samples = 20});
  run(chunks, x, 33);
  ASSERT_EQ(seen.size(), 13U);  // 400 / 30
  Samples padded(20, 0.0F);
  padded.insert(padded.end(), x.begin(), x.end());
  for (std::size_t k = 0; k < seen.size(); ++k) {
    EXPECT_TRUE(std::equal(seen[k].begin(), seen[k].end(), padded.begin() + 30 * long(k))) << k;
  }
}

TEST(ChunkedInference, RunsAPlanInEitherLayoutWithItsStates) {
  for (const bool planar : {false, true}) {
    const Shape shape = planar ? Shape{1, 2, 32} : Shape{1, 32, 2};
    const PlanPorts ports{.layout =
                              planar ? BlockLayout::channels_frames : BlockLayout::frames_channels};
    ChunkedInference chunks(doubling_plan(shape), ports, {});
    EXPECT_EQ(chunks.latency_samples(), 31U);
    AudioBuffer x(2, 320), y(2, 320);
    for (std::size_t c = 0; c < 2; ++c)
      std::ranges::copy(noise(320, 3 + unsigned(c)), x.channel(c).begin());
    for (std::size_t at = 0; at < 320; at += 40) {
      chunks.process(std::as_const(x).view().part(at, 40), y.view().part(at, 40));
    }
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t i = 0; i + 31 < 320; ++i) {
        ASSERT_EQ(y.channel(c)[i + 31], 2.0F * x.channel(c)[i] + static_cast<float>(i / 32));
      }
    }
  }
}

TEST(PlanBlocks, RefusesPlansThatAreNoAudio) {
  EXPECT_NO_THROW(PlanBlocks(doubling_plan({16})));
  EXPECT_EQ(PlanBlocks(doubling_plan({16, 2})).channels(), 2U);
  EXPECT_EQ(PlanBlocks(doubling_plan({16, 2}), {.layout = BlockLayout::channels_frames}).frames(),
            2U);
  EXPECT_THROW(PlanBlocks(doubling_plan({2, 16, 1})), Error);
  EXPECT_THROW(PlanBlocks(doubling_plan({16}, "other")), Error);
  EXPECT_THROW(PlanBlocks(doubling_plan({16}), {.input = "x"}), Error);
  Graph graph;
  const Value x = graph.input("input", {16, 2});
  graph.output("output", reshape(graph, x, {32, 1}));
  EXPECT_THROW(PlanBlocks(Plan(graph, {})), Error);
}

TEST(ChunkedInference, WhatIsNoNumberBecomesSilenceAndIsNoted) {
  const Samples x = noise(400, 7);
  for (const float bad : {NAN, -INFINITY}) {
    ChunkedInference chunks(pass_through, {.chunk_samples = 64, .overlap_samples = 16});
    Samples broken = x, silent = x;
    broken[150] = bad, silent[150] = 0.0F;
    const Samples y = run(chunks, broken, 50);
    EXPECT_EQ(chunks.take_status(), Trouble::input_replaced);
    chunks.reset();
    EXPECT_EQ(run(chunks, silent, 50), y);
    EXPECT_EQ(chunks.status(), Trouble::none);
    ChunkedInference breaks(
        [bad](ConstAudioView, AudioView out) { std::ranges::fill(out.channel(0), bad); },
        {.chunk_samples = 64, .overlap_samples = 16});
    EXPECT_EQ(run(breaks, x, 50), Samples(x.size()));
    EXPECT_EQ(breaks.take_status(), Trouble::output_silenced);
  }
}

TEST(ChunkedInference, RunsHundredThousandBlocksInRealtime) {
  ChunkedInference chunks(doubling_plan({256}), {}, {.overlap_samples = 64});
  const Samples x = noise(64, 5);
  Samples y(64);
  for (int block = 0; block < 100'000; ++block) {
    const testing::RealtimeGuard guard;
    chunks.process(ConstAudioView(std::span(x)), AudioView(std::span(y)));
  }
}

TEST(ChunkedInference, RefusesWhatMakesNoSense) {
  EXPECT_THROW(ChunkedInference({}, {.chunk_samples = 16}), Error);
  EXPECT_THROW(ChunkedInference(pass_through, {.chunk_samples = 0}), Error);
  EXPECT_THROW(ChunkedInference(pass_through, {.channels = 0, .chunk_samples = 16}), Error);
  EXPECT_THROW(ChunkedInference(pass_through, {.chunk_samples = 16, .overlap_samples = 9}), Error);
  EXPECT_THROW(ChunkedInference(pass_through, {.chunk_samples = std::size_t{1} << 40}), Error);
}

}  // namespace
}  // namespace metalaudio::nn
