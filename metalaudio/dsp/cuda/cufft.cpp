#include <metalaudio/core/buffer.h>
#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/toolkit_library.h>
#include <metalaudio/dsp/cuda/cufft.h>
#include <metalaudio/dsp/cuda/fft_kernels.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio::dsp::cuda {

using metalaudio::cuda::check;
using metalaudio::cuda::CurrentDevice;

namespace {

// The few functions of cuFFT that are used, as cufft.h declares them: it is not in every toolkit.
using Plan = int;
constexpr int kSuccess = 0;
constexpr int kAllocFailed = 2;
constexpr int kForward = -1;
constexpr int kInverse = 1;
enum PlanType : int { kRealToComplex = 0x2a, kComplexToReal = 0x2c, kComplexToComplex = 0x29 };

struct Cufft {
  int (*create)(Plan*) = nullptr;
  int (*make_plan)(Plan, int rank, long long* n, long long* inembed, long long istride,
                   long long idist, long long* onembed, long long ostride, long long odist,
                   int type, long long batch, std::size_t* work) = nullptr;
  int (*set_stream)(Plan, cudaStream_t) = nullptr;
  int (*destroy)(Plan) = nullptr;
  int (*real_to_complex)(Plan, const float*, float2*) = nullptr;
  int (*complex_to_real)(Plan, const float2*, float*) = nullptr;
  int (*complex_to_complex)(Plan, const float2*, float2*, int direction) = nullptr;
  bool complete = false;
};

Cufft load() {
  Cufft cufft;
  metalaudio::cuda::ToolkitLibrary library{"libcufft.so.12", "libcufft.so.11", "libcufft.so"};
  library.find(cufft.create, "cufftCreate");
  library.find(cufft.make_plan, "cufftMakePlanMany64");
  library.find(cufft.set_stream, "cufftSetStream");
  library.find(cufft.destroy, "cufftDestroy");
  library.find(cufft.real_to_complex, "cufftExecR2C");
  library.find(cufft.complex_to_real, "cufftExecC2R");
  library.find(cufft.complex_to_complex, "cufftExecC2C");
  cufft.complete = library.is_complete();
  return cufft;
}

const Cufft& cufft() {
  static const Cufft loaded = load();
  return loaded;
}

void check_cufft(int error, const char* what) {
  if (error == kSuccess) return;
  fail(error == kAllocFailed ? ErrorCode::out_of_memory : ErrorCode::backend_unavailable,
       "[BatchedFft] cuFFT: {}: error {}", what, error);
}

/// A batch of one kind on one stream.
class CufftPlan {
 public:
  CufftPlan(PlanType type, std::size_t size, std::size_t batch, cudaStream_t stream)
      : type_(type), batch_(batch) {
    check_cufft(cufft().create(&plan_), "a plan");
    const auto points = static_cast<long long>(size);
    const long long bins = type == kComplexToComplex ? points : points / 2 + 1;
    const long long in = type == kComplexToReal ? bins : points;
    const long long out = type == kRealToComplex ? bins : points;
    long long n[1] = {points}, in_extent[1] = {in}, out_extent[1] = {out};
    std::size_t work = 0;
    int error = cufft().make_plan(plan_, 1, n, in_extent, 1, in, out_extent, 1, out, type,
                                  static_cast<long long>(batch), &work);
    if (error == kSuccess) error = cufft().set_stream(plan_, stream);
    if (error == kSuccess) return;
    cufft().destroy(plan_);
    check_cufft(error, "a plan");
  }
  ~CufftPlan() { cufft().destroy(plan_); }
  CufftPlan(const CufftPlan&) = delete;
  CufftPlan& operator=(const CufftPlan&) = delete;

  Plan get() const noexcept { return plan_; }
  bool is(PlanType type, std::size_t batch) const noexcept {
    return type_ == type && batch_ == batch;
  }

 private:
  PlanType type_;
  std::size_t batch_;
  Plan plan_ = 0;
};

constexpr std::size_t kPlans = 8;
/// Values of one call of cuFFT: what is more goes through in turns, so that its working memory, and
/// that of the spectra's copies, stays below some hundred megabytes unless one transform wants more.
constexpr std::size_t kMostValues = std::size_t{1} << 25;

class CufftTransform final : public BatchedTransform {
 public:
  CufftTransform(SignalKind kind, std::size_t size, std::shared_ptr<AudioDevice> device)
      : kind_(kind),
        size_(size),
        turn_(std::max<std::size_t>(1, kMostValues / size)),
        device_(std::move(device)) {
    // The library makes itself ready with its first plan, which should not fall to the first call.
    const CurrentDevice current(device_->properties().index);
    plan(kind == SignalKind::real ? kRealToComplex : kComplexToComplex, 1);
  }

  void forward(const float* x, float* spectra, std::size_t count) override {
    const CurrentDevice current(device_->properties().index);
    const bool real = kind_ == SignalKind::real;
    for_turns(count, [&](std::size_t first, std::size_t rows) {
      auto* const to = reinterpret_cast<float2*>(spectra) + first * bins();
      if (real) {
        const float* const from = x + first * size_;
        check_cufft(cufft().real_to_complex(plan(kRealToComplex, rows), from, to), "a transform");
      } else {
        const auto* const from = reinterpret_cast<const float2*>(x) + first * size_;
        check_cufft(cufft().complex_to_complex(plan(kComplexToComplex, rows), from, to, kForward),
                    "a transform");
      }
    });
  }

  void inverse(const float* spectra, float* x, std::size_t count) override {
    const CurrentDevice current(device_->properties().index);
    const float scale = 1.0F / static_cast<float>(size_);
    for_turns(count, [&](std::size_t first, std::size_t rows) {
      const auto* const from = reinterpret_cast<const float2*>(spectra) + first * bins();
      if (kind_ == SignalKind::real) {
        // A copy, since cuFFT may overwrite it, in which what should be real is.
        const std::size_t bytes = rows * bins() * sizeof(float2);
        if (copy_.bytes() < bytes) copy_ = Buffer(bytes, device_);
        auto* const copy = static_cast<float2*>(copy_.handle());
        scale_spectra(from, copy, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(size_),
                      scale, stream());
        check(cudaGetLastError(), "spectra");
        check_cufft(cufft().complex_to_real(plan(kComplexToReal, rows), copy, x + first * size_),
                    "a transform");
      } else {
        auto* const to = reinterpret_cast<float2*>(x) + first * size_;
        check_cufft(cufft().complex_to_complex(plan(kComplexToComplex, rows), from, to, kInverse),
                    "a transform");
        scale_values(reinterpret_cast<float*>(to), static_cast<std::int64_t>(2 * rows * size_),
                     scale, stream());
        check(cudaGetLastError(), "a scale");
      }
    });
  }

 private:
  std::size_t bins() const noexcept { return kind_ == SignalKind::real ? size_ / 2 + 1 : size_; }
  cudaStream_t stream() const noexcept { return static_cast<cudaStream_t>(device_->stream()); }

  template <typename Body>
  void for_turns(std::size_t count, Body&& body) {
    for (std::size_t first = 0; first < count; first += turn_) {
      body(first, std::min(turn_, count - first));
    }
  }

  /// The one used last comes last; the first is forgotten.
  Plan plan(PlanType type, std::size_t batch) {
    const auto found = std::find_if(plans_.begin(), plans_.end(),
                                    [&](const auto& plan) { return plan->is(type, batch); });
    if (found != plans_.end()) {
      std::rotate(found, found + 1, plans_.end());
    } else {
      if (plans_.size() == kPlans) {
        device_->synchronize();
        plans_.erase(plans_.begin());
      }
      plans_.push_back(std::make_unique<CufftPlan>(type, size_, batch, stream()));
    }
    return plans_.back()->get();
  }

  SignalKind kind_;
  std::size_t size_;
  std::size_t turn_;  ///< transforms of one call
  std::shared_ptr<AudioDevice> device_;
  std::vector<std::unique_ptr<CufftPlan>> plans_;
  Buffer copy_;
};

}  // namespace

std::unique_ptr<BatchedTransform> make_cufft_transform(SignalKind kind, std::size_t size,
                                                       std::shared_ptr<AudioDevice> device) {
  if (!cufft().complete) {
    fail(ErrorCode::backend_unavailable,
         "[BatchedFft] size {} on a GPU needs cuFFT, and libcufft.so is not there; powers of two "
         "from 16 to 16384 do not",
         size);
  }
  return std::make_unique<CufftTransform>(kind, size, std::move(device));
}

}  // namespace metalaudio::dsp::cuda
