#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/core/cuda/shared_memory.h>
#include <metalaudio/dsp/cuda/fft_engine.h>
#include <metalaudio/dsp/cuda/fft_kernels.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace metalaudio::dsp::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

namespace {

Outside outside_of(StftPadding padding) {
  switch (padding) {
    case StftPadding::reflect:
      return Outside::reflect;
    case StftPadding::replicate:
      return Outside::replicate;
    case StftPadding::constant:
      return Outside::zero;
  }
  return Outside::zero;
}

/// What both ways of working share: the window, and the sizes in the kernels' terms.
class StftEngine : public BatchedStftEngine {
 public:
  StftEngine(const FramePlan& plan, std::shared_ptr<AudioDevice> device)
      : plan_(plan), device_(std::move(device)) {
    std::vector<float> values;
    for (const float weight : plan.window) values.push_back(weight * plan.scale);
    for (const float weight : plan.window) values.push_back(weight / plan.scale);
    values.insert(values.end(), plan.window.begin(), plan.window.end());
    // In the order in which frames are added, as on the CPU.
    const std::size_t back = (plan.fft_size - 1) / plan.hop;
    for (std::size_t i = 0; i < std::min(plan.hop, plan.fft_size); ++i) {
      float sum = 0;
      for (std::size_t b = back + 1; b-- > 0;) {
        const std::size_t at = i + b * plan.hop;
        if (at < plan.fft_size) sum += plan.window[at] * plan.window[at];
      }
      values.push_back(sum > 0 ? 1 / sum : 0);
    }
    windows_ = Buffer(values.size() * sizeof(float), device_);
    device_->upload(windows_.handle(), 0, values.data(), windows_.bytes());
    plan_.window = {};
  }

 protected:
  const float* tables() const { return static_cast<const float*>(windows_.handle()); }
  cudaStream_t stream() const noexcept { return static_cast<cudaStream_t>(device_->stream()); }
  CurrentDevice make_current() const noexcept { return CurrentDevice(device_->properties().index); }

  Frames frames_of(const float* x, const FrameCounts& counts) const {
    Frames frames;
    frames.x = x;
    frames.rows = static_cast<unsigned>(counts.channels * counts.frames);
    frames.frames = static_cast<unsigned>(counts.frames);
    frames.samples = static_cast<std::int64_t>(counts.samples);
    frames.hop = static_cast<std::int64_t>(plan_.hop);
    frames.pad = static_cast<std::int64_t>(plan_.pad);
    frames.outside = outside_of(plan_.padding);
    frames.window = tables();
    return frames;
  }
  Overlap overlap_of(const FrameCounts& counts) const {
    Overlap overlap;
    overlap.channels = static_cast<std::int64_t>(counts.channels);
    overlap.frames = static_cast<std::int64_t>(counts.frames);
    overlap.samples = static_cast<std::int64_t>(counts.samples);
    overlap.nfft = static_cast<std::int64_t>(plan_.fft_size);
    overlap.hop = static_cast<std::int64_t>(plan_.hop);
    overlap.pad = static_cast<std::int64_t>(plan_.pad);
    overlap.synthesis = tables() + plan_.fft_size;
    overlap.window = overlap.synthesis + plan_.fft_size;
    overlap.envelope = overlap.window + plan_.fft_size;
    return overlap;
  }

  FramePlan plan_;
  std::shared_ptr<AudioDevice> device_;

 private:
  Buffer
      windows_;  ///< for the analysis, for the synthesis, as it is, and 1 / the sum of its squares
};

/// One kernel each way.
class FusedStft final : public StftEngine {
 public:
  FusedStft(const FramePlan& plan, std::shared_ptr<AudioDevice> device)
      : StftEngine(plan, std::move(device)),
        twiddles_(make_tables(plan.fft_size / 2, device_)),
        shared_(shared_of(*device_)) {}

  static bool serves(const FramePlan& plan, const AudioDevice& device) {
    const std::size_t size = half_of(plan.fft_size);
    // Frames that do not meet can be added only where there is one.
    if (plan.hop > plan.fft_size || !has_own_transform(size, device)) return false;
    const CurrentDevice current(device.properties().index);
    const int shared = shared_of(device);
    const auto points = static_cast<std::int64_t>(size);
    if (inverse_stft_bytes(points) > shared) return false;
    check(allow_inverse_stft(points, shared), "shared memory for an inverse STFT");
    return true;
  }

  void forward(const float* x, float* spectra, const FrameCounts& counts) override {
    const auto current = make_current();
    SpectrumSlots to;
    to.spectra = reinterpret_cast<float2*>(spectra);
    to.slots = static_cast<unsigned>(counts.frames);
    forward_real(size(), frames_of(x, counts), to, twiddles(), stream());
    check(cudaGetLastError(), "an STFT");
  }
  void inverse(const float* spectra, float* x, const FrameCounts& counts) override {
    const auto current = make_current();
    inverse_stft(size(), overlap_of(counts), reinterpret_cast<const float2*>(spectra), x,
                 twiddles(), device_->properties().compute_units, shared_, stream());
    check(cudaGetLastError(), "an inverse STFT");
  }

 private:
  static int shared_of(const AudioDevice& device) {
    int shared = 0;
    check(metalaudio::cuda::most_shared_bytes(device.properties().index, shared),
          "its shared memory");
    return shared;
  }
  std::int64_t size() const { return static_cast<std::int64_t>(plan_.fft_size / 2); }
  const float2* twiddles() const { return static_cast<const float2*>(twiddles_.handle()); }

  Buffer twiddles_;
  int shared_;  ///< bytes that a block may have
};

/// Frames in memory of their own, between kernels that cut and add them and transforms of any size.
class SteppedStft final : public StftEngine {
 public:
  SteppedStft(const FramePlan& plan, std::shared_ptr<AudioDevice> device)
      : StftEngine(plan, std::move(device)),
        transform_(make_transform(SignalKind::real, plan.fft_size, device_)) {}

  void forward(const float* x, float* spectra, const FrameCounts& counts) override {
    const auto current = make_current();
    const std::size_t rows = counts.channels * counts.frames;
    const std::size_t bins = plan_.fft_size / 2 + 1;
    const std::size_t turn = std::max<std::size_t>(1, kMostSamples / plan_.fft_size);
    const Frames frames = frames_of(x, counts);
    for (std::size_t first = 0; first < rows; first += turn) {
      const std::size_t count = std::min(turn, rows - first);
      float* const cut = room_for(count);
      cut_frames(frames, static_cast<std::int64_t>(plan_.fft_size),
                 static_cast<std::int64_t>(first), static_cast<std::int64_t>(count), cut, stream());
      check(cudaGetLastError(), "frames");
      transform_->forward(cut, spectra + 2 * first * bins, count);
    }
  }

  void inverse(const float* spectra, float* x, const FrameCounts& counts) override {
    const auto current = make_current();
    const std::size_t values = 2 * counts.frames * (plan_.fft_size / 2 + 1);
    const std::size_t turn =
        std::max<std::size_t>(1, kMostSamples / (counts.frames * plan_.fft_size));
    for (std::size_t first = 0; first < counts.channels; first += turn) {
      FrameCounts some = counts;
      some.channels = std::min(turn, counts.channels - first);
      float* const frames = room_for(some.channels * some.frames);
      transform_->inverse(spectra + first * values, frames, some.channels * some.frames);
      add_frames(overlap_of(some), frames, x + first * counts.samples, stream());
      check(cudaGetLastError(), "the sum of frames");
    }
  }

 private:
  /// Of frames that are worked on at a time, unless one channel has more.
  static constexpr std::size_t kMostSamples = std::size_t{1} << 25;

  float* room_for(std::size_t frames) {
    const std::size_t bytes = frames * plan_.fft_size * sizeof(float);
    if (frames_.bytes() < bytes) frames_ = Buffer(bytes, device_);
    return static_cast<float*>(frames_.handle());
  }

  std::unique_ptr<BatchedTransform> transform_;
  Buffer frames_;
};

}  // namespace

}  // namespace metalaudio::dsp::cuda

METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_stft(
    const metalaudio::dsp::FramePlan& plan, std::shared_ptr<metalaudio::AudioDevice> device,
    std::unique_ptr<metalaudio::dsp::BatchedStftEngine>* engine) {
  using namespace metalaudio::dsp::cuda;
  if (FusedStft::serves(plan, *device)) {
    *engine = std::make_unique<FusedStft>(plan, std::move(device));
  } else {
    *engine = std::make_unique<SteppedStft>(plan, std::move(device));
  }
}
