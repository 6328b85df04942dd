#include <gtest/gtest.h>
#include <metalaudio/core/cuda_support.h>

namespace metalaudio {
namespace {

TEST(CudaCode, RunsOnItsMajorVersionAndItsPtxOnAllThatIsNewer) {
  EXPECT_TRUE(cuda_code_runs_on("90", 9, 0));
  EXPECT_TRUE(cuda_code_runs_on("90", 10, 0));
  EXPECT_FALSE(cuda_code_runs_on("90", 8, 9));
  EXPECT_TRUE(cuda_code_runs_on("80-real", 8, 6));
  EXPECT_FALSE(cuda_code_runs_on("80-real", 9, 0));
  EXPECT_FALSE(cuda_code_runs_on("86-real", 8, 0));
  EXPECT_TRUE(cuda_code_runs_on("75-virtual", 12, 0));
  EXPECT_TRUE(cuda_code_runs_on("90a", 9, 0));
  EXPECT_FALSE(cuda_code_runs_on("90a", 10, 0));
  EXPECT_FALSE(cuda_code_runs_on("100a", 10, 3));
  EXPECT_TRUE(cuda_code_runs_on("100f", 10, 3));
  EXPECT_FALSE(cuda_code_runs_on("100f", 12, 0));
  EXPECT_TRUE(cuda_code_runs_on("75 80 89 90a 100 120", 12, 1));
  EXPECT_TRUE(cuda_code_runs_on("90a-real 75-real", 7, 5));
  EXPECT_FALSE(cuda_code_runs_on("", 9, 0));
  EXPECT_FALSE(cuda_code_runs_on("native", 9, 0));
}

TEST(CudaCode, SaysWhyAGpuCannotBeUsed) {
  EXPECT_EQ(wrong_architecture_reason("75 90", 7, 5), "");
  EXPECT_EQ(wrong_architecture_reason("75 90", 6, 1),
            "compute capability 6.1 is too old: this build needs 7.5 at least");
  EXPECT_EQ(wrong_architecture_reason("90a", 10, 0),
            "compute capability 10.0, and this build is for 90a alone");
}

TEST(NoGpu, SaysExactlyWhy) {
  CudaAnswer answer{.devices = 1, .driver_version = 13000, .runtime_version = 13000};
  EXPECT_EQ(no_gpu_reason(answer), "");
  answer = {.error = 35, .driver_version = 0, .runtime_version = 13000};
  EXPECT_EQ(no_gpu_reason(answer),
            "no NVIDIA driver answers (a container needs GPUs given to it: --gpus all)");
  answer.driver_version = 11040;
  EXPECT_EQ(no_gpu_reason(answer),
            "the NVIDIA driver is too old: it knows CUDA 11.4, and this build needs 13.0");
  answer = {.error = 100, .driver_version = 13000, .runtime_version = 13000};
  EXPECT_EQ(no_gpu_reason(answer), "the driver finds no GPU");
  answer.visible_devices = "";
  EXPECT_EQ(no_gpu_reason(answer), "CUDA_VISIBLE_DEVICES is empty, which hides every GPU");
  answer.visible_devices = "-1";
  EXPECT_EQ(no_gpu_reason(answer), "the driver shows no GPU; CUDA_VISIBLE_DEVICES is \"-1\"");
  answer = {.error = 999, .error_text = "unknown error", .driver_version = 13000};
  EXPECT_EQ(no_gpu_reason(answer),
            "the NVIDIA driver fails: unknown error (error 999); nvidia-smi may tell more");
  answer.error = 803;
  EXPECT_EQ(no_gpu_reason(answer),
            "the NVIDIA driver fails: unknown error (error 803); after an update of the driver the "
            "machine has to be started again");
}

}  // namespace
}  // namespace metalaudio
