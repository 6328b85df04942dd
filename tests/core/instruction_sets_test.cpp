#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/instruction_sets.h>

#include <cstdlib>
#include <string>

namespace metalaudio {
namespace {

/// The limit is the process's: back to none, which is what these tests find.
class InstructionSetsTest : public ::testing::Test {
 protected:
  ~InstructionSetsTest() override {
    unsetenv("METALAUDIO_MAX_ISA");
    limit_instruction_sets("amx");
  }
};

TEST_F(InstructionSetsTest, AreLimitedToTheNamedOneAndThoseBeforeIt) {
  const InstructionSets all = InstructionSets::detect();
  limit_instruction_sets("avx512_bf16");
  EXPECT_EQ(InstructionSets::detect().avx512_bf16, all.avx512_bf16);
  EXPECT_FALSE(InstructionSets::detect().amx_bf16);
  EXPECT_FALSE(InstructionSets::detect().amx_int8);
  limit_instruction_sets("avx512");
  EXPECT_EQ(InstructionSets::detect().avx512, all.avx512);
  EXPECT_FALSE(InstructionSets::detect().avx512_bf16);
  limit_instruction_sets("avx2");
  EXPECT_EQ(InstructionSets::detect().avx2, all.avx2);
  EXPECT_FALSE(InstructionSets::detect().avx512);
  EXPECT_FALSE(InstructionSets::detect().avx512_vnni);
  limit_instruction_sets("ssse3");
  EXPECT_FALSE(InstructionSets::detect().avx2);
}

TEST_F(InstructionSetsTest, AreLimitedByTheEnvironment) {
  setenv("METALAUDIO_MAX_ISA", "ssse3", 1);
  limit_instruction_sets_by_environment();
  EXPECT_FALSE(InstructionSets::detect().avx2);
  setenv("METALAUDIO_MAX_ISA", "", 1);
  limit_instruction_sets_by_environment();
  EXPECT_FALSE(InstructionSets::detect().avx2);  // as before
}

TEST_F(InstructionSetsTest, OfAnotherNameAreRefused) {
  for (const char* const name : {"AVX2", "sse2", "avx512 ", ""}) {
    EXPECT_THROW(limit_instruction_sets(name), Error) << name;
  }
}

}  // namespace
}  // namespace metalaudio
