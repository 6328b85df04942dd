// What a plan takes beside its values is counted before it is there: a model of a few bytes must not
// make tables of gigabytes under a limit of less.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include <fstream>
#include <functional>
#include <numeric>
#include <string>

#include "tests/nn/graphs.h"

namespace metalaudio::nn {
namespace {

/// Of this process, as the kernel counts it.
std::size_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return std::stoul(line.substr(key.size())) * 1024;
  return 0;
}

/// How far the memory of the process rises while something runs.
std::size_t rise_during(const std::function<void()>& body) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the highest is where it is now
  const std::size_t before = status_bytes("VmRSS:");
  body();
  return status_bytes("VmHWM:") - before;
}

auto refuses() { return ::testing::ThrowsMessage<Error>(::testing::HasSubstr("are allowed")); }

PlanOptions limited(std::size_t bytes, ThreadPool* pool = nullptr) {
  PlanOptions options;
  options.memory_limit_bytes = bytes;
  options.pool = pool;
  return options;
}

constexpr std::int64_t kMany = std::int64_t{1} << 20;

Tensor indices_of(const Shape& shape, const std::function<std::int64_t(std::int64_t)>& index) {
  Tensor tensor(shape, DataType::i64);
  const std::span<std::int64_t> values = tensor.values_as<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = index(static_cast<std::int64_t>(i));
  return tensor;
}

/// A graph whose step makes tables of at least so many bytes.
struct TableCase {
  std::string name;
  std::function<Value(Graph&)> make;
  std::int64_t bytes;
};

void PrintTo(const TableCase& table_case, std::ostream* stream) { *stream << table_case.name; }

Value resized(Graph& graph, ResizeMode mode, DataType type, std::int64_t from, std::int64_t to,
              bool antialias = false) {
  return graph.apply(Resize{.mode = mode, .shape = {to}, .antialias = antialias},
                     {graph.input("x", {from}, type)});
}

const std::vector<TableCase> kCases = {
    {"ResizeToTheNearest",
     [](Graph& g) { return resized(g, ResizeMode::nearest, DataType::u8, 4, 4 * kMany); },
     8 * 4 * kMany},
    {"ResizeLinear",
     [](Graph& g) { return resized(g, ResizeMode::linear, DataType::f32, 4, 2 * kMany); },
     16 * 2 * kMany},
    {"ResizeCubicOfIntegers",
     [](Graph& g) { return resized(g, ResizeMode::cubic, DataType::u8, 4, kMany); }, 40 * kMany},
    {"ResizeThatShrinks",
     [](Graph& g) { return resized(g, ResizeMode::linear, DataType::f32, 4 * kMany, 2, true); },
     4 * 8 * kMany},
    {"Pad",
     [](Graph& g) {
       return g.apply(Pad{{0}, {4 * kMany}}, {g.input("x", {4}, DataType::u8)});
     },
     8 * 4 * kMany},
    {"Gather",
     [](Graph& g) {
       const Value at = g.constant(indices_of({kMany}, [](auto i) { return i * i % 5; }));
       return g.apply(Gather{}, {g.input("x", {5}, DataType::u8), at});
     },
     16 * kMany},
    {"Scatter",
     [](Graph& g) {
       const Value at = g.constant(indices_of({kMany}, [](auto i) { return kMany - 1 - i; }));
       const Value x = g.input("x", {kMany}, DataType::u8);
       return g.apply(ScatterElements{}, {x, at, x});
     },
     24 * kMany},
    {"Rotary",
     [](Graph& g) {
       return g.apply(Rotary{}, {g.input("x", {kMany, 8}), random_constant(g, {4})});
     },
     32 * kMany},
    {"ConvolutionOfDoubles",
     [](Graph& g) {
       const Value weight = g.constant(Tensor({1, 5, 1}, DataType::f64));
       return g.apply(Conv{{{5, 1, 1, 2, 2}}},
                      {g.input("x", {1, kMany, 1}, DataType::f64), weight});
     },
     40 * kMany},
    {"TransposedConvolutionOfDoubles",
     [](Graph& g) {
       const Value weight = g.constant(Tensor({1, 5, 1}, DataType::f64));
       return g.apply(ConvTranspose{{{5, 1, 0, kMany}}},
                      {g.input("x", {1, kMany, 1}, DataType::f64), weight});
     },
     40 * kMany},
    {"Dft",  // of a prime number of points
     [](Graph& g) {
       return g.apply(Dft{}, {g.input("x", {1, 131071, 2})});
     },
     256 * 131071},
    {"Stft",
     [](Graph& g) {
       return g.apply(Stft{.frame = 131071}, {g.input("signal", {1, 131071, 1}), Value{}});
     },
     256 * 131071},
    {"Glu",
     [](Graph& g) {
       return g.apply(Glu{}, {g.input("x", {1, 4 * kMany})});
     },
     32 * kMany},
    {"LayerNorm",
     [](Graph& g) {
       return g.apply(LayerNorm{}, {g.input("x", {1, 4 * kMany}), Value{}, Value{}});
     },
     32 * kMany},
    {"MatMul",
     [](Graph& g) {
       const Value b = g.constant(Tensor({4, 2 * kMany}));
       return g.apply(MatMul{}, {g.input("x", {1, 4}), b});
     },
     32 * kMany},
};

class PlanTables : public ::testing::TestWithParam<TableCase> {};

TEST_P(PlanTables, AreCountedBeforeTheyAreMade) {
  Graph graph;
  const Value y = GetParam().make(graph);
  graph.output("y", y);
  const auto table = static_cast<std::size_t>(GetParam().bytes);
  std::size_t values = graph.type(y).bytes();
  for (const auto& [name, value] : graph.inputs()) values += graph.type(value).bytes();
  const std::size_t rise = rise_during(
      [&] { EXPECT_THAT([&] { Plan(graph, limited(values + table / 2)); }, refuses()); });
  EXPECT_LT(rise, table / 2);
  Plan plan(graph, {});
  EXPECT_GE(plan.statistics().weight_bytes, table);
}

std::string name_of_case(const ::testing::TestParamInfo<TableCase>& test) {
  return test.param.name;
}
INSTANTIATE_TEST_SUITE_P(All, PlanTables, ::testing::ValuesIn(kCases), name_of_case);

/// Of two taps: a place of 8 bytes and two weights, and no place for each.
TEST(PlanMemory, ResizeKeepsOnePlaceForAllTapsOfAResult) {
  Graph graph;
  graph.output("y", resized(graph, ResizeMode::linear, DataType::f32, 4, kMany));
  EXPECT_LT(Plan(graph, {}).statistics().weight_bytes, 17U * kMany);
}

/// There is a matrix for each phase: of a stride of a million there would be a million.
TEST(PlanMemory, ATransposedConvolutionOfALargeStrideTakesNoMoreThanItsValues) {
  Graph graph;
  const Value x = graph.input("x", {1, 2, 1});
  const Value y = graph.apply(ConvTranspose{{{2, kMany, 0, 3}}},
                              {x, constant(graph, {1, 2, 1}, 0.5F), constant(graph, {1}, 2)});
  graph.output("y", y);
  std::optional<Plan> plan;
  EXPECT_LT(rise_during([&] { plan.emplace(graph, PlanOptions{}); }), std::size_t{1} << 20U);
  std::ranges::fill(plan->input("x").values_as<float>(), 4.0F);
  plan->run();
  EXPECT_EQ(output(*plan), (std::vector<float>{4, 4, 2}));
}

TEST(PlanMemory, CountsTheScratchOfEveryThread) {
  Graph graph;
  constexpr std::int64_t kPoints = 131071;
  graph.output("y", graph.apply(Dft{}, {graph.input("x", {1, kPoints, 2})}));
  const PlanStatistics taken = Plan(graph, {}).statistics();
  // A thread's scratch is 192 bytes a point and three lines of 16.
  const std::size_t limit = taken.activation_bytes + taken.weight_bytes + 4 * 192 * kPoints;
  EXPECT_NO_THROW(Plan(graph, limited(limit)));
  ThreadPool pool(8);
  EXPECT_THAT([&] { Plan(graph, limited(limit, &pool)); }, refuses());
}

TEST(PlanMemory, CountsStates) {
  Graph graph;
  const Value state = graph.state("s", {kMany});
  const Value x = graph.input("x", {1});
  const Value next = add(graph, state, x);
  graph.update(state, next);
  graph.output("y", graph.apply(Reduce{ReduceFunction::sum, {0}, false}, {next}));
  EXPECT_THAT([&] { Plan(graph, limited(4 * kMany)); }, refuses());
  EXPECT_NO_THROW(Plan(graph, limited(16 * kMany)));
}

/// Each is small enough by itself.
TEST(PlanMemory, CountsAllConstantsThatItComputes) {
  Graph graph;
  Value y = graph.input("x", {kMany});
  for (int i = 0; i < 8; ++i) {
    y = add(graph, y, graph.apply(Expand{{kMany}}, {constant(graph, {1}, 1)}));
  }
  graph.output("y", y);
  EXPECT_THAT([&] { Plan(graph, limited(20 * kMany)); }, refuses());
  EXPECT_NO_THROW(Plan(graph, limited(64 * kMany)));
}

}  // namespace
}  // namespace metalaudio::nn
