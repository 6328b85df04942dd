#include <metalaudio/dsp/batched/cpu/for_each.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/convolution.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace metalaudio::dsp {

namespace {

/// A Convolution for every channel.
class CpuConvolutions final : public BatchedConvolutionEngine {
 public:
  CpuConvolutions(std::span<const std::span<const float>> irs,
                  const BatchedConvolutionOptions& options, ThreadPool* pool)
      : pool_(pool) {
    ConvolutionOptions each;
    each.block_samples = options.block_samples;
    for (std::size_t c = 0; c < options.channels; ++c) {
      channels_.push_back(std::make_unique<Convolution>(irs.size() == 1 ? irs[0] : irs[c], each));
    }
  }

  void process(const float* in, std::size_t samples, float* out, std::size_t room) override {
    for_each(channels_.size(), pool_, [&](std::size_t c, std::size_t) {
      const std::span<float> y(out + c * room, room);
      channels_[c]->process({in + c * samples, samples}, y.first(samples));
      // The rest of the response, from silence in its own place.
      const std::span<float> tail = y.subspan(samples);
      std::fill(tail.begin(), tail.end(), 0.0F);
      if (!tail.empty()) channels_[c]->process(tail, tail);
    });
  }
  void reset() override {
    for (const auto& channel : channels_) channel->reset();
  }
  Trouble take_status() override {
    Trouble first = Trouble::none;
    for (const auto& channel : channels_) {
      const Trouble trouble = channel->take_status();
      if (first == Trouble::none) first = trouble;
    }
    return first;
  }

 private:
  ThreadPool* pool_;
  std::vector<std::unique_ptr<Convolution>> channels_;
};

}  // namespace

std::unique_ptr<BatchedConvolutionEngine> make_cpu_convolution(
    std::span<const std::span<const float>> irs, const BatchedConvolutionOptions& options,
    ThreadPool* pool) {
  return std::make_unique<CpuConvolutions>(irs, options, pool);
}

}  // namespace metalaudio::dsp
