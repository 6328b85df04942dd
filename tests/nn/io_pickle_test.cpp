#include <metalaudio/nn/io/pickle.h>

#include "io_pickle_support.h"
#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

using namespace std::string_literals;
constexpr auto kBad = ErrorCode::invalid_data;

template <typename Kind>
Kind parsed(const std::string& pickle) {
  const Pickle result = parse_pickle(as_bytes(pickle));
  EXPECT_EQ(result.bytes, pickle.size());
  const Kind* const value = result[result.root].as<Kind>();
  if (value == nullptr) throw std::runtime_error("another kind of value");
  return *value;
}

void expect_refused(ErrorCode code, std::string_view reason, const std::string& pickle) {
  expect_error(code, reason, [&] { parse_pickle(as_bytes(pickle)); });
}

TEST(Pickle, ReadsEveryKindOfLiteral) {
  EXPECT_EQ(parsed<std::int64_t>("K\xff."), 255);
  EXPECT_EQ(parsed<std::int64_t>("M\xff\xff."), 65535);
  EXPECT_EQ(parsed<std::int64_t>("J\xfe\xff\xff\xff."), -2);
  EXPECT_EQ(parsed<std::int64_t>("\x8a\x00."s), 0);
  EXPECT_EQ(parsed<std::int64_t>("\x8a\x01\x80."), -128);
  EXPECT_EQ(parsed<std::int64_t>("\x8a\x02\x80\x00."s), 128);
  EXPECT_EQ(parsed<std::int64_t>("\x8b\x02\x00\x00\x00\xff\xff."s), -1);
  EXPECT_EQ(parsed<std::int64_t>("I-12\n."), -12);
  EXPECT_EQ(parsed<std::int64_t>("L1099511627776L\n."), 1LL << 40);
  EXPECT_TRUE(parsed<bool>("I01\n."));
  EXPECT_FALSE(parsed<bool>("\x89."));
  EXPECT_EQ(parsed<double>("G\xc0\x04\x00\x00\x00\x00\x00\x00."s), -2.5);
  EXPECT_EQ(parsed<std::string>("U\x02hi."), "hi");
  EXPECT_EQ(parsed<std::string>("\x8c\x02hi."), "hi");
  EXPECT_EQ(parsed<std::string>("\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi."s), "hi");
  EXPECT_EQ(parsed<std::string>(text("hi") + "."), "hi");
  EXPECT_EQ(parsed<PickleValue::Bytes>("C\x02hi.").bytes, "hi");
  parsed<PickleValue::None>("N.");
}

TEST(Pickle, ReadsContainersAndTheMemo) {
  EXPECT_EQ(parsed<PickleValue::Tuple>("K\x01K\x02K\x03\x87.").items.size(), 3U);
  EXPECT_EQ(parsed<PickleValue::Tuple>("(K\x01K\x02t.").items.size(), 2U);
  EXPECT_EQ(parsed<PickleValue::List>("]K\x01"
                                      "a(K\x02K\x03"
                                      "e.")
                .items.size(),
            3U);
  const std::string pickle = "}q\x05(" + text("a") + "K\x01" + text("a") + "K\x02" + "u0h\x05.";
  const Pickle result = parse_pickle(as_bytes(pickle));
  const PickleValue* const last = result.find(result[result.root], "a");
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(*last->as<std::int64_t>(), 2);
  EXPECT_EQ(result.find(result[result.root], "b"), nullptr);
}

TEST(Pickle, NotesCallsDownAndMakesNone) {
  const auto call =
      parsed<PickleValue::Call>(global("fractions", "Fraction") + text("39/5") + "\x85R.");
  EXPECT_EQ(call.function, "fractions.Fraction");
  EXPECT_TRUE(
      parsed<PickleValue::Dict>(global("collections", "OrderedDict") + ")R}b.").items.empty());
}

TEST(Pickle, AGlobalIsOnlyAName) {
  EXPECT_EQ(parsed<PickleValue::Global>(global("posix", "system") + ".").name, "posix.system");
  EXPECT_EQ(parsed<PickleValue::Global>("\x80\x04\x8c\x08"
                                        "builtins\x8c\x04"
                                        "eval\x93.")
                .name,
            "builtins.eval");
}

TEST(Pickle, RefusesEveryCallThatNoStateFileNeeds) {
  const auto unsupported = ErrorCode::unsupported;
  const auto called = [](std::string_view module, std::string_view name) {
    return global(module, name) + text("ls") + "\x85R.";
  };
  expect_refused(unsupported, "calls 'posix.system'", called("posix", "system"));
  expect_refused(unsupported, "calls 'builtins.eval'",
                 "\x80\x04\x8c\x08"
                 "builtins\x8c\x04"
                 "eval\x93)R.");
  expect_refused(unsupported, "calls 'torch.storage._load_from_bytes'",
                 called("torch.storage", "_load_from_bytes"));
  expect_refused(unsupported, "calls 'demucs.htdemucs.HTDemucs'",
                 called("demucs.htdemucs", "HTDemucs"));
  expect_refused(unsupported, "calls 'demucs.htdemucs.HTDemucs'",
                 global("demucs.htdemucs", "HTDemucs") + ")\x81.");
  expect_refused(unsupported, "calls 'torch.FloatStorage'", called("torch", "FloatStorage"));
  expect_refused(unsupported, "calls 'a?[31mb.c'", called("a\x1b[31mb", "c"));
  expect_refused(unsupported, "calls 'diffq.diffq.DiffQuantizer'",
                 called("diffq.diffq", "DiffQuantizer"));
}

TEST(Pickle, RefusesOpcodesThatBuildObjects) {
  expect_refused(kBad, "opcode 0x69", "(iposix\nsystem\n.");
  expect_refused(kBad, "opcode 0x6f", "(" + global("fractions", "Fraction") + "o.");
  expect_refused(kBad, "opcode 0x82", "\x82\x01.");
  expect_refused(kBad, "opcode 0x92", global("fractions", "Fraction") + ")}\x92.");
  const std::string fraction = global("fractions", "Fraction") + ")R";
  expect_refused(kBad, "sets attributes", fraction + "}b.");
  expect_refused(kBad, "sets attributes", global("fractions", "Fraction") + "}b.");
  expect_refused(kBad, "expected a global", fraction + ")R.");
  expect_refused(kBad, "a call without arguments", global("fractions", "Fraction") + "]R.");
}

TEST(Pickle, RefusesWhatCannotBe) {
  expect_refused(kBad, "an integer of 2147483647 bytes", "\x8b\xff\xff\xff\x7f");
  expect_refused(kBad, "an integer of 9 bytes",
                 "\x8a\x09"
                 "123456789.");
  expect_refused(kBad, "not a 64-bit integer", "L99999999999999999999L\n.");
  expect_refused(kBad, "ends too early", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff.");
  expect_refused(kBad, "a line has no end", "I" + std::string(1000, '1'));
  expect_refused(kBad, "its stack is empty", ".");
  expect_refused(kBad, "its stack is empty", "N(\x85.");
  expect_refused(kBad, "its stack is empty", "2");
  expect_refused(kBad, "a mark is missing", "t.");
  expect_refused(kBad, "memo 3 is not set", "h\x03.");
  expect_refused(kBad, "memo 4294967295 is too large", "Nr\xff\xff\xff\xff.");
  expect_refused(kBad, "expected a list", "}Na.");
  expect_refused(kBad, "expected a dictionary", "]NNs.");
  expect_refused(kBad, "a key without a value", "}(Nu.");
  expect_refused(kBad, "protocol 6", "\x80\x06N.");
  expect_refused(kBad, "more than 1048576 values", std::string(2'000'000, 'N'));
  expect_refused(kBad, "more than 1048576 values on the stack", "N" + std::string(2'000'000, '2'));
}

TEST(Pickle, NestsDeeplyWithoutRecursion) {
  constexpr std::size_t kDepth = 500'000;
  const std::string pickle = std::string(kDepth, ']') + std::string(kDepth - 1, 'a') + ".";
  EXPECT_EQ(parsed<PickleValue::List>(pickle).items.size(), 1U);
  EXPECT_EQ(parsed<PickleValue::List>("]q\1h\1a.").items.size(), 1U);  // a list that holds itself
}

TEST(Pickle, EveryTruncationIsAnError) {
  const std::string whole =
      package(dict(text("a"), integer(1)),
              dict(text("w"), tensor(storage("0", 4), 0, tuple(integer(4)), tuple(integer(1)))));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error(kBad, "pickle, before byte", [&] { parse_pickle(as_bytes(whole).first(size)); });
  }
}

}  // namespace
}  // namespace metalaudio::nn
