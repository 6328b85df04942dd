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

class RecordingStream {
 public:
  RecordingStream() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "recording a plan");
  }
  ~RecordingStream() { cudaStreamDestroy(stream_); }
  RecordingStream(const RecordingStream&) = delete;
  RecordingStream& operator=(const RecordingStream&) = delete;

  cudaStream_t get() const noexcept { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class CudaRunner final : public Runner {
 public:
  CudaRunner(std::span<const std::unique_ptr<Step>> steps, std::span<const StepsBefore> before,
             std::shared_ptr<AudioDevice> device)
      : before_(before),
        device_(std::move(device)),
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
    // On a stream of its own: another thread may be about to launch on the device's.
    const RecordingStream stream;
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal),
          "recording a plan");
    record(first, last, binding.slots, stream.get());
    const cudaError_t launched = cudaGetLastError();
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream.get(), &graph), "recording a plan");
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

  /// Each step behind those that it waits for alone, so that others may run beside it: most fill a
  /// part of the GPU.
  void record(std::size_t first, std::size_t last, std::span<const SlotAddress> slots,
              cudaStream_t stream) const {
    const CudaRun run(slots, stream);
    std::vector<std::vector<cudaGraphNode_t>> done(last - first);
    for (std::size_t i = first; i < last; ++i) {
      std::vector<cudaGraphNode_t> before;
      for (const std::size_t step : before_[i]) {
        if (step < first) continue;
        before.insert(before.end(), done[step - first].begin(), done[step - first].end());
      }
      // A step that launches nothing passes on what it waited for.
      std::ranges::sort(before);
      before.erase(std::ranges::unique(before).begin(), before.end());
      check(cudaStreamUpdateCaptureDependencies(stream, before.data(), nullptr, before.size(),
                                                cudaStreamSetCaptureDependencies),
            "recording a plan");
      steps_[i]->run(run);
      cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
      const cudaGraphNode_t* nodes = nullptr;
      std::size_t count = 0;
      check(cudaStreamGetCaptureInfo(stream, &status, nullptr, nullptr, &nodes, nullptr, &count),
            "recording a plan");
      done[i - first].assign(nodes, nodes + count);
    }
  }

  const Recorded* find(std::size_t first, std::size_t last, std::size_t binding) const noexcept {
    const auto found = std::find_if(recorded_.begin(), recorded_.end(), [&](const Recorded& r) {
      return r.first == first && r.last == last && r.binding == binding;
    });
    return found == recorded_.end() ? nullptr : &*found;
  }

  std::span<const StepsBefore> before_;
  std::shared_ptr<AudioDevice> device_;
  int index_;
  cudaStream_t stream_;
  std::vector<const CudaStep*> steps_;
  std::vector<Recorded> recorded_;
  bool lost_ = false;
};

}  // namespace

std::unique_ptr<Runner> make_cuda_runner(std::span<const std::unique_ptr<Step>> steps,
                                         std::span<const StepsBefore> before,
                                         std::shared_ptr<AudioDevice> device) {
  return std::make_unique<CudaRunner>(steps, before, std::move(device));
}

}  // namespace metalaudio::nn::cuda
