#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/batched/views.h>
#include <metalaudio/dsp/batched_complex_fft.h>
#include <metalaudio/dsp/batched_fft.h>
#include <metalaudio/dsp/fft/fft_impl.h>

#include <utility>

namespace metalaudio::dsp {

namespace {

/// How many transforms two views hold: all axes but the last ones, which are checked too.
std::size_t count_of(const char* operation, const ConstTensorView& x, std::size_t size,
                     const ConstTensorView& spectra, std::size_t bins, bool real) {
  const Shape& a = x.shape();
  const Shape& b = spectra.shape();
  const std::size_t tail = real ? 1 : 2;
  bool fits = a.rank() >= tail && b.rank() == a.rank() + (real ? 1 : 0) && b.back() == 2 &&
              a[a.rank() - tail] == static_cast<std::int64_t>(size) &&
              b[b.rank() - 2] == static_cast<std::int64_t>(bins) && (real || a.back() == 2);
  std::size_t count = 1;
  for (std::size_t axis = 0; fits && axis + tail < a.rank(); ++axis) {
    fits = a[axis] == b[axis];
    count *= static_cast<std::size_t>(a[axis]);
  }
  if (fits) return count;
  fail(ErrorCode::invalid_argument, "[{}] shapes {} and {}: expected [..., {}{}] and [..., {}, 2]",
       operation, a.to_string(), b.to_string(), size, real ? "" : ", 2", bins);
}

}  // namespace

std::unique_ptr<BatchedTransform> make_batched_transform(SignalKind kind, std::size_t size,
                                                         const BatchedOptions& options) {
  check_fft_size("BatchedFft", size);
  if (!is_cuda(options.device)) return make_cpu_transform(kind, size, options.pool);
  using Make = void(SignalKind, std::size_t, std::shared_ptr<AudioDevice>,
                    std::unique_ptr<BatchedTransform>*);
  std::unique_ptr<BatchedTransform> transform;
  cuda_function_as<Make>("metalaudio_cuda_make_transform")(kind, size, options.device, &transform);
  return transform;
}

BatchedFft::BatchedFft(std::size_t size, const BatchedOptions& options)
    : size_(size),
      device_(options.device),
      transform_(make_batched_transform(SignalKind::real, size, options)) {}
BatchedFft::~BatchedFft() = default;
BatchedFft::BatchedFft(BatchedFft&&) noexcept = default;
BatchedFft& BatchedFft::operator=(BatchedFft&&) noexcept = default;

DeviceType BatchedFft::device() const noexcept { return device_type_of(device_); }

void BatchedFft::forward(const ConstTensorView& x, const TensorView& spectra) {
  check_place("BatchedFft", x, device_);
  check_place("BatchedFft", spectra, device_);
  const std::size_t count = count_of("BatchedFft", x, size_, spectra, bins(), true);
  if (count > 0) transform_->forward(address_of(x), address_of(spectra), count);
}

void BatchedFft::inverse(const ConstTensorView& spectra, const TensorView& x) {
  check_place("BatchedFft", x, device_);
  check_place("BatchedFft", spectra, device_);
  const std::size_t count = count_of("BatchedFft", x, size_, spectra, bins(), true);
  if (count > 0) transform_->inverse(address_of(spectra), address_of(x), count);
}

BatchedComplexFft::BatchedComplexFft(std::size_t size, const BatchedOptions& options)
    : size_(size),
      device_(options.device),
      transform_(make_batched_transform(SignalKind::complex, size, options)) {}
BatchedComplexFft::~BatchedComplexFft() = default;
BatchedComplexFft::BatchedComplexFft(BatchedComplexFft&&) noexcept = default;
BatchedComplexFft& BatchedComplexFft::operator=(BatchedComplexFft&&) noexcept = default;

DeviceType BatchedComplexFft::device() const noexcept { return device_type_of(device_); }

void BatchedComplexFft::forward(const ConstTensorView& x, const TensorView& out) {
  check_place("BatchedComplexFft", x, device_);
  check_place("BatchedComplexFft", out, device_);
  const std::size_t count = count_of("BatchedComplexFft", x, size_, out, size_, false);
  if (count > 0) transform_->forward(address_of(x), address_of(out), count);
}

void BatchedComplexFft::inverse(const ConstTensorView& x, const TensorView& out) {
  check_place("BatchedComplexFft", x, device_);
  check_place("BatchedComplexFft", out, device_);
  const std::size_t count = count_of("BatchedComplexFft", x, size_, out, size_, false);
  if (count > 0) transform_->inverse(address_of(x), address_of(out), count);
}

}  // namespace metalaudio::dsp
