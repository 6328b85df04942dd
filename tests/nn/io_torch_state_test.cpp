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

StateFile built(const std::string& package) {
  CountingStorages storages;
  return build_state(parse_pickle(as_bytes(package)), storages);
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

std::string one_tensor() { return dict(text("w"), vector_of(storage("0", 4), 0, 1)); }

/// That kwargs with such a value are left out of the metadata, and nothing else is.
void expect_kwargs_left_out(const std::string& value) {
  const StateFile file = built(package(dict(text("x"), value), one_tensor()));
  EXPECT_FALSE(file.metadata.contains("kwargs")) << file.metadata.dump();
  EXPECT_EQ(file.metadata.at("args"), nlohmann::json::array());
  EXPECT_TRUE(file.state.contains("w"));
}

TEST(TorchState, CopiesViewsOfAnyStride) {
  const std::string matrix =
      tensor(storage("0", 12), 1, tuple(integer(2), integer(3)), tuple(integer(1), integer(4)));
  const StateFile file = built(package("}", dict(text("m"), matrix)));
  EXPECT_EQ(file.metadata.at("klass"), "demucs.htdemucs.HTDemucs");
  EXPECT_EQ(file.state.at("m").shape(), (Shape{2, 3}));
  EXPECT_EQ(values(file.state.at("m")), (std::vector<float>{1, 5, 9, 2, 6, 10}));
}

TEST(TorchState, ReadsASharedStorageOnce) {
  CountingStorages storages;
  const std::string state =
      dict(text("a"), vector_of(storage("0", 8), 0, 4), text("b"), vector_of(storage("1", 8), 0, 4),
           text("c"), vector_of(storage("0", 8), 4, 4));
  const StateFile file = build_state(parse_pickle(as_bytes(package("}", state))), storages);
  EXPECT_EQ(storages.reads, 2);
  EXPECT_EQ(values(file.state.at("c")), (std::vector<float>{4, 5, 6, 7}));
}

TEST(TorchState, RefusesTensorsThatCannotBe) {
  const std::string four = storage("0", 4);
  const std::string big = integer(0x7fffffff);
  expect_state_refused("'w' is not a tensor",
                       global("torch._utils", "_rebuild_parameter") + tuple(integer(1)) + "R");
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
}

TEST(TorchState, LeavesOutWhatIsNoPlainValue) {
  expect_kwargs_left_out(  // a list that holds itself
      "]q\x01h\x01"
      "a");
  std::string bomb = "]q\x00";
  bomb.assign("]q", 2).push_back('\0');
  for (char level = 1; level < 20; ++level) {  // each list holds the last one ten times
    bomb += "](";
    for (int i = 0; i < 10; ++i) bomb += std::string("h") + static_cast<char>(level - 1);
    bomb += std::string("eq") + level;
  }
  expect_kwargs_left_out("(" + bomb + "l");
  expect_kwargs_left_out(vector_of(storage("1", 4), 0, 1));
  expect_kwargs_left_out(dict(integer(1), integer(1)));
  for (const char* fraction : {"39/0", "39/", "a/5", "39/5 ", ""}) {
    expect_kwargs_left_out(global("fractions", "Fraction") + text(fraction) + "\x85R");
  }
}

TEST(TorchState, ManyBombsCostNoMoreThanOne) {
  std::string bombs = dict(text("state"), one_tensor());
  bombs.pop_back();  // the u that ends it
  std::string inner = "]q";
  inner.push_back('\0');
  for (char level = 1; level < 20; ++level) {
    inner += "](";
    for (int i = 0; i < 10; ++i) inner += std::string("h") + static_cast<char>(level - 1);
    inner += std::string("eq") + level;
  }
  for (int i = 0; i < 3000; ++i) bombs += text("b" + std::to_string(i)) + "(" + inner + "l";
  // 3000 times the limit of one entry would take minutes.
  const StateFile file = built("\x80\x02" + bombs + "u.");
  EXPECT_TRUE(file.state.contains("w"));
  EXPECT_TRUE(file.metadata.empty());
}

TEST(TorchState, FindsTheTensorsWhereverTrainersPutThem) {
  const auto holds_w = [](const std::string& pickle) {
    return built("\x80\x02" + pickle + ".").state.contains("w");
  };
  EXPECT_TRUE(holds_w(one_tensor()));
  for (const char* name : {"state", "state_dict", "model_state_dict", "model", "best_state"}) {
    EXPECT_TRUE(holds_w(dict(text("epoch"), integer(3), text(name), one_tensor()))) << name;
  }
  // A word of a configuration may have such a name, and a step count may be a tensor.
  const std::string step = vector_of(storage("1", 1), 0, 1);
  EXPECT_TRUE(holds_w(
      dict(text("model"), text("roformer"), text("state_dict"), one_tensor(), text("step"), step)));
}

TEST(TorchState, KeepsWhatElseIsThereAsMetadata) {
  const StateFile file = built(
      "\x80\x02" +
      dict(text("epoch"), integer(3), text("arch"), global("my.models", "Net"), text("optimizer"),
           dict(text("m"), vector_of(storage("1", 1), 0, 1)), text("state_dict"),
           dict(text("w"), vector_of(storage("0", 4), 0, 1), text("__quantized"),
                std::string("\x88"))) +
      ".");
  const nlohmann::json expected = {
      {"epoch", 3}, {"arch", "my.models.Net"}, {"state_dict", {{"__quantized", true}}}};
  EXPECT_EQ(file.metadata, expected);
}

TEST(TorchState, TypesAreKeptWhenAsked) {
  class Halves : public StorageSource {
   public:
    std::span<const std::byte> read(const StorageId& storage) override {
      EXPECT_EQ(storage.type, DataType::f16);
      return std::as_bytes(std::span(values_));
    }

   private:
    std::vector<std::uint16_t> values_{0x3C00, 0xC000, 0x0001, 0x7BFF};
  } halves;
  const std::string matrix = tensor(storage("0", 4, "HalfStorage"), 0,
                                    tuple(integer(2), integer(2)), tuple(integer(1), integer(2)));
  const Pickle pickle = parse_pickle(as_bytes("\x80\x02" + dict(text("m"), matrix) + "."));
  const StateFile file = build_state(pickle, halves, {.keep_types = true});
  const Tensor& kept = file.state.at("m");
  ASSERT_EQ(kept.type(), DataType::f16);
  const auto stored = kept.values_as<Float16>();
  EXPECT_EQ(stored[1].bits, 0x0001);
  EXPECT_EQ(stored[2].bits, 0xC000);
  EXPECT_EQ(values(build_state(pickle, halves).state.at("m")),
            (std::vector<float>{1.0F, 0x1p-24F, -2.0F, 65504.0F}));
}

TEST(TorchState, RefusesOtherPickles) {
  expect_error(kBad, "no dictionary of tensors: it has nothing with a name", [] { built("}."); });
  expect_error(kBad, "no dictionary of tensors: it has nothing with a name",
               [] { built("K\x01."); });
  expect_error(kBad, "no dictionary of tensors: it has klass, epoch", [] {
    built(dict(text("klass"), global("torch", "FloatStorage"), text("epoch"), integer(1)) + ".");
  });
}

}  // namespace
}  // namespace metalaudio::nn
