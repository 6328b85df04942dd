#include <gtest/gtest.h>
#include <metalaudio/core/cuda/nvrtc.h>
#include <metalaudio/core/error.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/cuda/kernels.h"
#include "tests/support/test_folder.h"

namespace metalaudio::cuda {
namespace {

// The compiler needs no GPU.

TEST(Nvrtc, CompilesToMachineCodeOfTheGpusArchitecture) {
  EXPECT_TRUE(nvrtc_version().starts_with("nvrtc ")) << nvrtc_version();
  const CompiledKernel kernel = compile_with_nvrtc(scale_source(2), 90);
  EXPECT_EQ(kernel.name, "scale");
  EXPECT_EQ(kernel.code.substr(1, 3), "ELF");
  const CompiledKernel again = CompiledKernel::unpack(kernel.pack());
  EXPECT_EQ(again.name, kernel.name);
  EXPECT_EQ(again.code, kernel.code);
  EXPECT_EQ(CompiledKernel::unpack("no end").name, "");
}

TEST(Nvrtc, FindsTemplatesAndNamespaces) {
  const KernelSource source{
      "namespace a { template <int N> __global__ void f(int* x) { *x = N; } }", "a::f<3>"};
  const std::string name = compile_with_nvrtc(source, 90).name;
  EXPECT_TRUE(name.starts_with("_Z")) << name;
}

TEST(Nvrtc, AGpuNewerThanTheCompilerGetsPtxAndOneTooOldAnError) {
  EXPECT_NE(compile_with_nvrtc(scale_source(2), 999).code.find(".target"), std::string::npos);
  expect_error(ErrorCode::backend_unavailable, "knows no compute capability 1.0",
               [] { compile_with_nvrtc(scale_source(2), 10); });
}

TEST(Nvrtc, AnArchitectureOfTheUsersOwnTakesItsPlace) {
  KernelSource source = scale_source(2);
  source.options.emplace_back("--gpu-architecture=compute_80");
  EXPECT_NE(compile_with_nvrtc(source, 90).code.find(".target sm_80"), std::string::npos);
}

TEST(Nvrtc, TheLogIsInTheError) {
  const auto message = [](const KernelSource& source) -> std::string {
    try {
      compile_with_nvrtc(source, 90);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  const std::string wrong = message({"__global__ void f() { nonsense; }", "f"});
  EXPECT_NE(wrong.find("\"nonsense\" is undefined"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("f.cu(1)"), std::string::npos) << wrong;
  const std::string missing = message({"__global__ void f() {}", "g"});
  EXPECT_NE(missing.find("\"g\" is undefined"), std::string::npos) << missing;
  const std::string option = message({"__global__ void f() {}", "f", {"--nonsense"}});
  EXPECT_NE(option, "no error");
  EXPECT_NE(message({"", "f"}), "no error");
  EXPECT_NE(message({"", ""}), "no error");
}

TEST(Nvrtc, CompilesOnManyThreads) {
  std::vector<std::string> names(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < names.size(); ++i) {
    threads.emplace_back([&names, i] {
      const std::string entry = "kernel" + std::to_string(i);
      names[i] = compile_with_nvrtc(
                     {"extern \"C\" __global__ void " + entry + "(int* x) { *x = 1; }", entry}, 90)
                     .name;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(names[i], "kernel" + std::to_string(i));
}

}  // namespace
}  // namespace metalaudio::cuda
