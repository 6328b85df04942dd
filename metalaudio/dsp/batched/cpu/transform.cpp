#include <metalaudio/dsp/batched/cpu/for_each.h>
#include <metalaudio/dsp/batched/engines.h>
#include <metalaudio/dsp/complex_fft.h>
#include <metalaudio/dsp/fft.h>

#include <complex>
#include <vector>

namespace metalaudio::dsp {

namespace {

using Complex = std::complex<float>;

const Complex* complex(const float* x) { return reinterpret_cast<const Complex*>(x); }
Complex* complex(float* x) { return reinterpret_cast<Complex*>(x); }

/// A transform of the CPU for each row, with scratch for each thread.
template <typename Transform>
class CpuTransform : public BatchedTransform {
 public:
  CpuTransform(std::size_t size, ThreadPool* pool) : fft_(size), pool_(pool) {
    for (std::size_t t = 0; t < threads_of(pool); ++t) scratch_.push_back(fft_.make_scratch());
  }

 protected:
  Transform fft_;
  ThreadPool* pool_;
  std::vector<FftScratch<float>> scratch_;
};

class CpuRealTransform final : public CpuTransform<Fft> {
 public:
  using CpuTransform::CpuTransform;
  void forward(const float* x, float* spectra, std::size_t count) override {
    const std::size_t size = fft_.size();
    const std::size_t bins = fft_.bins();
    for_each(count, pool_, [&](std::size_t row, std::size_t thread) {
      fft_.forward_batch({x + row * size, size}, {complex(spectra) + row * bins, bins},
                         scratch_[thread]);
    });
  }
  void inverse(const float* spectra, float* x, std::size_t count) override {
    const std::size_t size = fft_.size();
    const std::size_t bins = fft_.bins();
    for_each(count, pool_, [&](std::size_t row, std::size_t thread) {
      fft_.inverse_batch({complex(spectra) + row * bins, bins}, {x + row * size, size},
                         scratch_[thread]);
    });
  }
};

class CpuComplexTransform final : public CpuTransform<ComplexFft> {
 public:
  using CpuTransform::CpuTransform;
  void forward(const float* x, float* out, std::size_t count) override {
    const std::size_t size = fft_.size();
    for_each(count, pool_, [&](std::size_t row, std::size_t thread) {
      fft_.forward_batch({complex(x) + row * size, size}, {complex(out) + row * size, size},
                         scratch_[thread]);
    });
  }
  void inverse(const float* x, float* out, std::size_t count) override {
    const std::size_t size = fft_.size();
    for_each(count, pool_, [&](std::size_t row, std::size_t thread) {
      fft_.inverse_batch({complex(x) + row * size, size}, {complex(out) + row * size, size},
                         scratch_[thread]);
    });
  }
};

}  // namespace

std::unique_ptr<BatchedTransform> make_cpu_transform(SignalKind kind, std::size_t size,
                                                     ThreadPool* pool) {
  if (kind == SignalKind::real) return std::make_unique<CpuRealTransform>(size, pool);
  return std::make_unique<CpuComplexTransform>(size, pool);
}

}  // namespace metalaudio::dsp
