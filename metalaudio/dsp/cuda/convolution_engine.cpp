#include <metalaudio/core/buffer.h>
#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/dsp/cuda/convolution_kernels.h>
#include <metalaudio/dsp/cuda/fft_engine.h>
#include <metalaudio/dsp/cuda/fft_kernels.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace metalaudio::dsp::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

namespace {

/// Samples of all channels that a turn takes, which bounds the working memory.
constexpr std::size_t kTurnSamples = std::size_t{1} << 22;
constexpr std::size_t kMostTurnBlocks = 256;

class Convolutions final : public BatchedConvolutionEngine {
 public:
  Convolutions(std::span<const std::span<const float>> irs,
               const BatchedConvolutionOptions& options, std::shared_ptr<AudioDevice> device)
      : device_(std::move(device)),
        channels_(options.channels),
        block_(options.block_samples),
        turn_(std::clamp<std::size_t>(kTurnSamples / (channels_ * block_), 1, kMostTurnBlocks)),
        partitions_(1),
        one_filter_(irs.size() == 1),
        tables_(make_tables(checked(block_, *device_), device_)) {
    for (const auto ir : irs) partitions_ = std::max(partitions_, blocks_of(ir.size()));
    slots_ = partitions_ - 1 + turn_;
    const std::size_t spectrum = (block_ + 1) * sizeof(float2);
    filters_ = Buffer(irs.size() * partitions_ * spectrum, device_);
    inputs_ = Buffer(channels_ * slots_ * spectrum, device_);
    sums_ = Buffer(channels_ * turn_ * spectrum, device_);
    history_ = Buffer(channels_ * block_ * sizeof(float), device_);
    replaced_ = Buffer(sizeof(unsigned), device_);
    const CurrentDevice current(device_->properties().index);
    for (std::size_t i = 0; i < irs.size(); ++i) transform_response(irs[i], i);
  }

  void process(const float* in, std::size_t samples, float* out, std::size_t room) override {
    const CurrentDevice current(device_->properties().index);
    const std::size_t blocks = blocks_of(room);
    for (std::size_t first = 0; first < blocks; first += turn_) {
      const std::size_t count = std::min(turn_, blocks - first);
      transform_input(in, samples, first, count);
      PartitionSums sums;
      sums.channels = static_cast<std::int64_t>(channels_);
      sums.bins = static_cast<std::int64_t>(block_ + 1);
      sums.partitions = static_cast<int>(partitions_);
      sums.blocks = static_cast<int>(count);
      sums.slots = static_cast<int>(slots_);
      sums.first = static_cast<int>(next_);
      sums.inputs = spectra(inputs_);
      sums.filters = spectra(filters_);
      sums.one_filter = one_filter_;
      sums.sums = spectra(sums_);
      sum_partitions(sums, stream());
      SampleBlocks to;
      to.x = out;
      to.rows = static_cast<unsigned>(channels_ * count);
      to.frames = static_cast<unsigned>(count);
      to.samples = static_cast<std::int64_t>(room);
      to.first = static_cast<std::int64_t>(first);
      to.skip = static_cast<int>(block_);
      inverse_real(size(), spectra(sums_), to, 0.5F / static_cast<float>(block_), tables(),
                   stream());
      check(cudaGetLastError(), "a convolution");
      next_ = (next_ + count) % slots_;
    }
    // Where samples are no whole blocks, the stream ends here.
    if (samples < block_) return;
    const std::size_t width = block_ * sizeof(float);
    check(
        cudaMemcpy2DAsync(history_.handle(), width, in + samples - block_, samples * sizeof(float),
                          width, channels_, cudaMemcpyDeviceToDevice, stream()),
        "a block of input");
  }

  void reset() override {
    device_->clear(inputs_.handle(), 0, inputs_.bytes());
    device_->clear(history_.handle(), 0, history_.bytes());
    next_ = 0;
  }
  Trouble take_status() override {
    unsigned replaced = 0;
    device_->download(&replaced, replaced_.handle(), 0, sizeof replaced);
    device_->clear(replaced_.handle(), 0, sizeof replaced);
    return replaced != 0 ? Trouble::input_replaced : Trouble::none;
  }

 private:
  static std::size_t checked(std::size_t block, const AudioDevice& device) {
    if (!has_own_transform(block, device)) {
      fail(ErrorCode::backend_unavailable,
           "[BatchedConvolution] blocks of {} samples need more shared memory than {} has", block,
           device.properties().name);
    }
    return block;
  }
  static float2* spectra(Buffer& buffer) { return static_cast<float2*>(buffer.handle()); }

  std::int64_t size() const noexcept { return static_cast<std::int64_t>(block_); }
  std::size_t blocks_of(std::size_t samples) const noexcept {
    return (samples + block_ - 1) / block_;
  }
  const float2* tables() const { return static_cast<const float2*>(tables_.handle()); }
  cudaStream_t stream() const noexcept { return static_cast<cudaStream_t>(device_->stream()); }

  /// Its partitions, each followed by as much silence.
  void transform_response(std::span<const float> ir, std::size_t index) {
    const std::size_t count = blocks_of(ir.size());
    std::vector<float> padded(count * 2 * block_);
    for (std::size_t i = 0; i < ir.size(); ++i)
      padded[i / block_ * 2 * block_ + i % block_] = ir[i];
    Buffer partitions(padded.size() * sizeof(float), device_);
    device_->upload(partitions.handle(), 0, padded.data(), partitions.bytes());
    Frames frames;
    frames.x = static_cast<const float*>(partitions.handle());
    frames.rows = static_cast<unsigned>(count);
    frames.samples = frames.hop = static_cast<std::int64_t>(2 * block_);
    SpectrumSlots to;
    to.spectra = spectra(filters_) + index * partitions_ * (block_ + 1);
    forward_real(size(), frames, to, tables(), stream());
    check(cudaGetLastError(), "a response");
    device_->synchronize();
  }

  /// Each block behind the one before it.
  void transform_input(const float* in, std::size_t samples, std::size_t first, std::size_t count) {
    Frames frames;
    frames.x = in;
    frames.rows = static_cast<unsigned>(channels_ * count);
    frames.frames = static_cast<unsigned>(count);
    frames.samples = static_cast<std::int64_t>(samples);
    frames.hop = size();
    frames.pad = size() * (1 - static_cast<std::int64_t>(first));
    frames.outside = Outside::history;
    frames.history = static_cast<const float*>(history_.handle());
    frames.replaced = static_cast<unsigned*>(replaced_.handle());
    SpectrumSlots to;
    to.spectra = spectra(inputs_);
    to.slots = static_cast<unsigned>(slots_);
    to.first = static_cast<unsigned>(next_);
    forward_real(size(), frames, to, tables(), stream());
    check(cudaGetLastError(), "a block of input");
  }

  std::shared_ptr<AudioDevice> device_;
  std::size_t channels_;
  std::size_t block_;
  std::size_t turn_;  ///< blocks at a time
  std::size_t partitions_;
  bool one_filter_;
  std::size_t slots_ = 0;
  std::size_t next_ = 0;  ///< slot of the next block
  Buffer tables_;
  Buffer filters_;
  Buffer inputs_;  ///< a ring of the spectra of the last blocks
  Buffer sums_;
  Buffer history_;  ///< the last block
  Buffer replaced_;
};

}  // namespace

}  // namespace metalaudio::dsp::cuda

METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_convolution(
    std::span<const std::span<const float>> irs,
    const metalaudio::dsp::BatchedConvolutionOptions& options,
    std::shared_ptr<metalaudio::AudioDevice> device,
    std::unique_ptr<metalaudio::dsp::BatchedConvolutionEngine>* engine) {
  *engine = std::make_unique<metalaudio::dsp::cuda::Convolutions>(irs, options, std::move(device));
}
