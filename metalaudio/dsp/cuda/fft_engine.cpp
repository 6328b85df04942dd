#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/core/cuda/shared_memory.h>
#include <metalaudio/dsp/cuda/cufft.h>
#include <metalaudio/dsp/cuda/fft_engine.h>
#include <metalaudio/dsp/cuda/fft_kernels.h>
#include <metalaudio/dsp/cuda/twiddles.h>

#include <bit>
#include <utility>
#include <vector>

namespace metalaudio::dsp::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

namespace {

class OwnTransform final : public BatchedTransform {
 public:
  OwnTransform(SignalKind kind, std::size_t size, std::shared_ptr<AudioDevice> device)
      : kind_(kind),
        size_(static_cast<std::int64_t>(size)),
        device_(std::move(device)),
        tables_(make_tables(size, device_)) {}

  void forward(const float* x, float* spectra, std::size_t count) override {
    const CurrentDevice current(device_->properties().index);
    const auto rows = static_cast<unsigned>(count);
    auto* const out = reinterpret_cast<float2*>(spectra);
    if (kind_ == SignalKind::real) {
      // Every row is a channel of one frame.
      Frames frames;
      frames.x = x;
      frames.rows = rows;
      frames.samples = frames.hop = 2 * size_;
      forward_real(size_, frames, {.spectra = out}, tables(), stream());
    } else {
      transform_complex(size_, false, reinterpret_cast<const float2*>(x), out, rows, tables(),
                        stream());
    }
    check(cudaGetLastError(), "a transform");
  }

  void inverse(const float* spectra, float* x, std::size_t count) override {
    const CurrentDevice current(device_->properties().index);
    const auto rows = static_cast<unsigned>(count);
    const auto* const from = reinterpret_cast<const float2*>(spectra);
    if (kind_ == SignalKind::real) {
      inverse_real(size_, from, {.x = x, .rows = rows, .samples = 2 * size_},
                   1.0F / static_cast<float>(2 * size_), tables(), stream());
    } else {
      transform_complex(size_, true, from, reinterpret_cast<float2*>(x), rows, tables(), stream());
    }
    check(cudaGetLastError(), "a transform");
  }

 private:
  const float2* tables() const { return static_cast<const float2*>(tables_.handle()); }
  cudaStream_t stream() const noexcept { return static_cast<cudaStream_t>(device_->stream()); }

  SignalKind kind_;
  std::int64_t size_;  ///< in complex values
  std::shared_ptr<AudioDevice> device_;
  Buffer tables_;
};

}  // namespace

bool has_own_transform(std::size_t size, const AudioDevice& device) {
  if (!std::has_single_bit(size) || size < kSmallestOwn || size > kLargestOwn) return false;
  const CurrentDevice current(device.properties().index);
  int shared = 0;
  check(metalaudio::cuda::most_shared_bytes(device.properties().index, shared),
        "its shared memory");
  const auto points = static_cast<std::int64_t>(size);
  if (transform_bytes(points) > shared) return false;
  check(allow_transforms(points), "shared memory for a transform");
  return true;
}

Buffer make_tables(std::size_t size, const std::shared_ptr<AudioDevice>& device) {
  std::vector<float> values = make_twiddles(size);
  for (std::size_t k = 0; k <= size / 2; ++k) add_twiddle(values, k, 2 * size);
  Buffer tables(values.size() * sizeof(float), device);
  device->upload(tables.handle(), 0, values.data(), tables.bytes());
  return tables;
}

std::unique_ptr<BatchedTransform> make_transform(SignalKind kind, std::size_t size,
                                                 const std::shared_ptr<AudioDevice>& device) {
  const std::size_t points = kind == SignalKind::real ? half_of(size) : size;
  if (has_own_transform(points, *device)) {
    return std::make_unique<OwnTransform>(kind, points, device);
  }
  return make_cufft_transform(kind, size, device);
}

}  // namespace metalaudio::dsp::cuda

METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_transform(
    metalaudio::dsp::SignalKind kind, std::size_t size,
    std::shared_ptr<metalaudio::AudioDevice> device,
    std::unique_ptr<metalaudio::dsp::BatchedTransform>* transform) {
  *transform = metalaudio::dsp::cuda::make_transform(kind, size, device);
}
