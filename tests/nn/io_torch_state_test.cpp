#include <metalaudio/nn/io/torch_state.h>

#include <vector>

#include "io_pickle_support.h"
#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

constexpr auto kBad = ErrorCode::invalid_data;

/// Every storage holds 0, 1, 2, … as float32.
class CountingStorages : public StorageSource {
 public:
  std::span<const std::byte> read(const StorageId& storage) override {
    ++reads;
    values_.resize(storage.count);
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = static_cast<float>(i);
    return std::as_bytes(std::span(values_));
  }

  int reads = 0;

 private:
  std::vector<float> values_;
};

Checkpoint built(const std::string& package) {
  CountingStorages storages;
  return build_checkpoint(parse_pickle(as_bytes(package)), storages);
}

std::vector<float> values(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

std::string vector_of(const std::string& storage, std::int32_t offset, std::int32_t size,
                      std::int32_t stride = 1) {
  return tensor(storage, offset, tuple(integer(size)), tuple(integer(stride)));
}

void expect_state_refused(std::string_view reason, const std::string& tensor) {
  expect_error(kBad, reason, [&] { built(package("}", dict(text("w"), tensor))); });
}

void expect_kwargs_refused(std::string_view reason, const std::string& value) {
  expect_error(kBad, reason, [&] { built(package(dict(text("x"), value), "}")); });
}

TEST(TorchState, CopiesViewsOfAnyStride) {
  const std::string matrix =
      tensor(storage("0", 12), 1, tuple(integer(2), integer(3)), tuple(integer(1), integer(4)));
  const Checkpoint checkpoint = built(package("}", dict(text("m"), matrix)));
  EXPECT_EQ(checkpoint.klass, "demucs.htdemucs.HTDemucs");
  EXPECT_EQ(checkpoint.state.at("m").shape(), (Shape{2, 3}));
  EXPECT_EQ(values(checkpoint.state.at("m")), (std::vector<float>{1, 5, 9, 2, 6, 10}));
}

TEST(TorchState, ReadsASharedStorageOnce) {
  CountingStorages storages;
  const std::string state =
      dict(text("a"), vector_of(storage("0", 8), 0, 4), text("b"), vector_of(storage("1", 8), 0, 4),
           text("c"), vector_of(storage("0", 8), 4, 4));
  const Checkpoint checkpoint =
      build_checkpoint(parse_pickle(as_bytes(package("}", state))), storages);
  EXPECT_EQ(storages.reads, 2);
  EXPECT_EQ(values(checkpoint.state.at("c")), (std::vector<float>{4, 5, 6, 7}));
}

TEST(TorchState, RefusesTensorsThatCannotBe) {
  const std::string four = storage("0", 4);
  const std::string big = integer(0x7fffffff);
  expect_state_refused("'w' is not a tensor", integer(1));
  expect_state_refused("'w' reaches out of its storage", vector_of(four, 0, 5));
  expect_state_refused("'w' reaches out of its storage", vector_of(four, 1, 4));
  expect_state_refused("'w' reaches out of its storage", vector_of(four, 0, 3, 2));
  expect_state_refused("'w' has a size or stride", vector_of(four, 0, -1));
  expect_state_refused("'w' has a size or stride", vector_of(four, 3, 2, -1));
  expect_state_refused("'w' is a tensor without storage", vector_of(four, -1, 1));
  expect_state_refused("'w' is a tensor without storage", vector_of("N", 0, 1));
  expect_state_refused("absurd shape", tensor(four, 0, tuple(big, big, big), tuple(big, big, big)));
  expect_state_refused("absurd shape", tensor(four, 0, tuple(big, big, big, big, big, big, big),
                                              tuple(big, big, big, big, big, big, big)));
  expect_state_refused("too few or many strides",
                       tensor(four, 0, tuple(integer(2), integer(2)), tuple(integer(1))));
  expect_state_refused("expand 4 stored elements to 2147483647", vector_of(four, 0, 0x7fffffff, 0));
  expect_state_refused("not a type of storage",
                       vector_of(tuple(text("storage"), global("fractions", "Fraction"), text("0"),
                                       text("cpu"), integer(4)) +
                                     "Q",
                                 0, 1));
}

TEST(TorchState, RefusesStatesThatCannotBe) {
  const auto state_refused = [](ErrorCode code, std::string_view reason, const std::string& state) {
    expect_error(code, reason, [&] { built(package("}", state)); });
  };
  const std::string one = vector_of(storage("0", 4), 0, 1);
  state_refused(kBad, "'state' is not a dictionary", "]");
  state_refused(kBad, "not a string", dict(integer(1), one));
  state_refused(kBad, "'w' is there twice", dict(text("w"), one, text("w"), one));
  state_refused(kBad, "redefines its storage",
                dict(text("w"), one, text("v"), vector_of(storage("0", 8), 0, 1)));
  state_refused(ErrorCode::unsupported, "diffq-quantised",
                dict(text("__quantized"), std::string("\x88")));
}

TEST(TorchState, RefusesArgumentsThatCannotBe) {
  expect_kwargs_refused("nested too deeply",
                        "]q\x01h\x01"
                        "a");
  std::string bomb = "]q\x00";
  bomb.assign("]q", 2).push_back('\0');
  for (char level = 1; level < 20; ++level) {  // each list holds the last one ten times
    bomb += "](";
    for (int i = 0; i < 10; ++i) bomb += std::string("h") + static_cast<char>(level - 1);
    bomb += std::string("eq") + level;
  }
  expect_kwargs_refused("too many", "(" + bomb + "l");
  expect_kwargs_refused("neither a number", global("fractions", "Fraction"));
  expect_kwargs_refused("name is not a string", dict(integer(1), integer(1)));
  for (const char* fraction : {"39/0", "39/", "a/5", "39/5 ", ""}) {
    expect_kwargs_refused("broken Fraction",
                          global("fractions", "Fraction") + text(fraction) + "\x85R");
  }
}

TEST(TorchState, RefusesOtherPickles) {
  expect_error(kBad, "no 'klass': not a demucs checkpoint", [] { built("}."); });
  expect_error(kBad, "no 'klass': not a demucs checkpoint", [] { built("K\x01."); });
  expect_error(kBad, "'klass' is not a class of demucs",
               [] { built(dict(text("klass"), global("torch", "FloatStorage")) + "."); });
}

}  // namespace
}  // namespace metalaudio::nn
