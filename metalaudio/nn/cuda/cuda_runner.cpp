#include <metalaudio/core/cuda/check.h>
#include <metalaudio/nn/cuda/cuda_runner.h>
#include <metalaudio/nn/cuda/cuda_step.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace metalaudio::nn::cuda {

namespace {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

/// A stretch that was recorded for one binding.
struct Recorded {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t binding = 0;
  cudaGraphExec_t graph = nullptr;
};

class CudaRunner final : public Runner {
 public:
  CudaRunner(std::span<const std::unique_ptr<Step>> steps, std::shared_ptr<AudioDevice> device)
      : device_(std::move(device)),
        index_(device_->properties().index),
        stream_(static_cast<cudaStream_t>(device_->stream())) {
    for (const auto& step : steps) steps_.push_back(static_cast<const CudaStep*>(step.get()));
  }
  ~CudaRunner() override {
    const CurrentDevice current(index_);
    for (const Recorded& stretch : recorded_) cudaGraphExecDestroy(stretch.graph);
  }

  void prepare(std::size_t first, std::size_t last, const SlotBinding& binding) override {
    const CurrentDevice current(index_);
    // The first launch of a kernel loads it, which a recording may not do.
    launch(first, last, binding.slots);
    check(cudaGetLastError(), "the kernels of a plan");
    device_->synchronize();
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "recording a plan");
    launch(first, last, binding.slots);
    const cudaError_t launched = cudaGetLastError();
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream_, &graph), "recording a plan");
    Recorded stretch{first, last, binding.number, nullptr};
    const cudaError_t made = cudaGraphInstantiate(&stretch.graph, graph, 0);
    cudaGraphDestroy(graph);
    check(launched, "recording a plan");
    check(made, "recording a plan");
    recorded_.push_back(std::move(stretch));
    check(cudaGraphUpload(recorded_.back().graph, stream_), "recording a plan");
    device_->synchronize();
  }

  void run(std::size_t first, std::size_t last, const SlotBinding& binding) noexcept override {
    if (lost_) return;
    const CurrentDevice current(index_);
    const Recorded* const stretch = find(first, last, binding.number);
    if (stretch != nullptr) {
      lost_ = cudaGraphLaunch(stretch->graph, stream_) != cudaSuccess;
    } else {
      launch(first, last, binding.slots);
      lost_ = cudaGetLastError() != cudaSuccess;
    }
  }

  bool lost() const noexcept override { return lost_; }

 private:
  void launch(std::size_t first, std::size_t last,
              std::span<const SlotAddress> slots) const noexcept {
    const CudaRun run(slots, stream_);
    for (std::size_t i = first; i < last; ++i) steps_[i]->run(run);
  }

  const Recorded* find(std::size_t first, std::size_t last, std::size_t binding) const noexcept {
    const auto found = std::find_if(recorded_.begin(), recorded_.end(), [&](const Recorded& r) {
      return r.first == first && r.last == last && r.binding == binding;
    });
    return found == recorded_.end() ? nullptr : &*found;
  }

  std::shared_ptr<AudioDevice> device_;
  int index_;
  cudaStream_t stream_;
  std::vector<const CudaStep*> steps_;
  std::vector<Recorded> recorded_;
  bool lost_ = false;
};

}  // namespace

std::unique_ptr<Runner> make_cuda_runner(std::span<const std::unique_ptr<Step>> steps,
                                         std::shared_ptr<AudioDevice> device) {
  return std::make_unique<CudaRunner>(steps, std::move(device));
}

}  // namespace metalaudio::nn::cuda
