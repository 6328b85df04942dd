#include <gtest/gtest.h>
#include <metalaudio/nn/cpu/gemm/product_shares.h>

#include <algorithm>
#include <vector>

namespace metalaudio::nn::cpu {
namespace {

SharedProduct product(std::size_t rows, std::size_t panels, std::size_t depth, std::size_t parts) {
  const std::size_t blocks = (depth + 31) / 32;
  return {.rows = rows,
          .tile_rows = 32,
          .panels = panels,
          .panel_bytes = blocks * 2048 * parts,
          .row_bytes = depth * 2 * parts,
          .unit_cycles = static_cast<double>(blocks * 64 * parts * (parts + 1) / 2),
          .tile_cycles = static_cast<double>(blocks * 64 * 4 * parts)};
}

/// How often each tile of each panel is computed, and that tasks keep to the rows they are given.
std::vector<int> counts(const SharedProduct& product, std::size_t threads) {
  std::vector<int> done(product.tiles() * product.panels);
  const ProductShares shares(product, threads);
  for (std::size_t index = 0; index < shares.tasks(); ++index) {
    const ProductShares::Task task = shares.task(index);
    EXPECT_LE(task.rows, product.most_rows());
    EXPECT_LE(task.first_row + task.rows, product.rows);
    if (task.rows == 0) continue;
    EXPECT_EQ(task.first_row % product.tile_rows, 0U);
    for (std::size_t panel = task.share.begin; panel < task.share.end; ++panel) {
      for (std::size_t tile = task.share.first_tile(panel); tile < task.share.last_tile(panel);
           ++tile) {
        EXPECT_LT(tile * product.tile_rows, task.rows);
        ++done[(task.first_row / product.tile_rows + tile) * product.panels + panel];
      }
    }
  }
  return done;
}

TEST(ProductShares, CoverEveryTileOnce) {
  for (const std::size_t rows : {1U, 31U, 33U, 333U, 1344U, 2688U}) {
    for (const std::size_t panels : {1U, 2U, 3U, 12U, 36U, 48U}) {
      for (const std::size_t depth : {1U, 48U, 384U, 1536U}) {
        for (const std::size_t threads : {1U, 2U, 3U, 5U, 8U, 16U, 64U}) {
          for (const std::size_t parts : {1U, 3U}) {
            const std::vector<int> done = counts(product(rows, panels, depth, parts), threads);
            EXPECT_TRUE(std::ranges::all_of(done, [](int n) { return n == 1; }))
                << rows << " rows, " << panels << " panels of " << depth << ", " << threads
                << " threads";
          }
        }
      }
    }
  }
}

TEST(ProductShares, OfNothingAreNone) {
  EXPECT_EQ(ProductShares(product(0, 12, 384, 1), 16).tasks(), 0U);
  EXPECT_EQ(ProductShares(product(10, 0, 384, 1), 16).tasks(), 0U);
}

/// 42 and 84 tiles of HTDemucs's transformer leave a seventh of 16 threads without work where rows
/// alone are shared; a stretch of units differs from another by one at most.
TEST(ProductShares, GiveEveryThreadAsMuch) {
  constexpr std::size_t kThreads = 16;
  for (const std::size_t rows : {1344U, 2688U}) {
    for (const std::size_t panels : {12U, 36U, 48U}) {
      const SharedProduct shared = product(rows, panels, 384, 1);
      const ProductShares shares(shared, kThreads);
      ASSERT_EQ(shares.tasks() % kThreads, 0U);
      const std::size_t each = shares.tasks() / kThreads;
      const double mean = static_cast<double>(shared.tiles() * panels) / kThreads;
      for (std::size_t thread = 0; thread < kThreads; ++thread) {
        std::size_t units = 0;
        for (std::size_t i = 0; i < each; ++i) {
          const PairShare share = shares.task(thread * each + i).share;
          units += share.last_unit - share.first_unit;
        }
        EXPECT_NEAR(static_cast<double>(units), mean, 1.0);
      }
    }
  }
}

/// Whoever is done first finds something small to help with.
TEST(ProductShares, BecomeSmaller) {
  const SharedProduct shared = product(2688, 48, 384, 3);
  const ProductShares shares(shared, 16);
  const std::size_t each = shares.tasks() / 16;
  EXPECT_GE(each, 3U);
  const PairShare first = shares.task(0).share;
  const PairShare second = shares.task(1).share;
  EXPECT_GE(first.last_unit - first.first_unit, second.last_unit - second.first_unit);
}

}  // namespace
}  // namespace metalaudio::nn::cpu
