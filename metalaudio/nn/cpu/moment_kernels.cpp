#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/moment_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/moment_kernels.h>

#include <algorithm>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);

struct CompensatedSum {
  FloatVec sum;
  FloatVec lost;

  HWY_INLINE void add(FloatVec x) {
    const auto y = hn::Sub(x, lost);
    const auto total = hn::Add(sum, y);
    lost = hn::Sub(hn::Sub(total, sum), y);
    sum = total;
  }
  HWY_INLINE double total(FloatTag d) const {
    HWY_ALIGN float sums[kMostLanes];
    HWY_ALIGN float losses[kMostLanes];
    hn::Store(sum, d, sums);
    hn::Store(lost, d, losses);
    double all = 0;
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
      all += static_cast<double>(sums[i]) - static_cast<double>(losses[i]);
    }
    return all;
  }
};

class Kahan {
 public:
  static constexpr std::size_t kVectors = 8;

  explicit Kahan(float pivot)
      : pivot_(hn::Set(d_, pivot)),
        sum_{hn::Zero(d_), hn::Zero(d_)},
        squares_{hn::Zero(d_), hn::Zero(d_)} {}

  HWY_INLINE void take(const float* x) {
    const std::size_t lanes = hn::Lanes(d_);
    auto a = hn::Sub(hn::LoadU(d_, x), pivot_);
    auto b = hn::Sub(hn::LoadU(d_, x + lanes), pivot_);
    auto p = hn::Mul(a, a);
    auto q = hn::Mul(b, b);
    for (std::size_t i = 2; i < kVectors; i += 2) {
      const auto u = hn::Sub(hn::LoadU(d_, x + i * lanes), pivot_);
      const auto v = hn::Sub(hn::LoadU(d_, x + (i + 1) * lanes), pivot_);
      a = hn::Add(a, u);
      b = hn::Add(b, v);
      p = hn::MulAdd(u, u, p);
      q = hn::MulAdd(v, v, q);
    }
    sum_.add(hn::Add(a, b));
    squares_.add(hn::Add(p, q));
    count_ += static_cast<double>(kVectors * lanes);
  }

  Moments result() const {
    if (count_ == 0) return {};
    const double sum = sum_.total(d_);
    return {count_, hn::GetLane(pivot_) + sum / count_,
            std::max(0.0, squares_.total(d_) - sum * sum / count_)};
  }

 private:
  FloatTag d_;
  FloatVec pivot_;
  CompensatedSum sum_;
  CompensatedSum squares_;
  double count_ = 0;
};

class Welford {
 public:
  static constexpr std::size_t kVectors = 4;

  explicit Welford(float pivot)
      : pivot_(hn::Set(d_, pivot)),
        means_{hn::Zero(d_), hn::Zero(d_), hn::Zero(d_), hn::Zero(d_)},
        squares_{hn::Zero(d_), hn::Zero(d_), hn::Zero(d_), hn::Zero(d_)} {}

  HWY_INLINE void take(const float* x) {
    const std::size_t lanes = hn::Lanes(d_);
    count_ += 1;
    const auto share = hn::Set(d_, 1.0F / count_);
    one(x, share, means_[0], squares_[0]);
    one(x + lanes, share, means_[1], squares_[1]);
    one(x + 2 * lanes, share, means_[2], squares_[2]);
    one(x + 3 * lanes, share, means_[3], squares_[3]);
  }

  Moments result() const {
    Moments all;
    if (count_ == 0) return all;
    HWY_ALIGN float means[kMostLanes];
    HWY_ALIGN float squares[kMostLanes];
    const std::size_t lanes = hn::Lanes(d_);
    for (std::size_t i = 0; i < kVectors; ++i) {
      hn::Store(means_[i], d_, means);
      hn::Store(squares_[i], d_, squares);
      // Of equal counts: the mean of the means, and their spread around it.
      double mean = 0;
      double sum = 0;
      for (std::size_t l = 0; l < lanes; ++l) mean += means[l];
      mean /= static_cast<double>(lanes);
      for (std::size_t l = 0; l < lanes; ++l) {
        const double away = means[l] - mean;
        sum += squares[l] + count_ * away * away;
      }
      all.merge({count_ * static_cast<double>(lanes), mean, sum});
    }
    all.mean += hn::GetLane(pivot_);
    return all;
  }

 private:
  HWY_INLINE void one(const float* from, FloatVec share, FloatVec& mean, FloatVec& squares) {
    const auto x = hn::Sub(hn::LoadU(d_, from), pivot_);
    const auto before = hn::Sub(x, mean);
    mean = hn::MulAdd(before, share, mean);
    squares = hn::MulAdd(before, hn::Sub(x, mean), squares);
  }

  FloatTag d_;
  FloatVec pivot_;
  FloatVec means_[kVectors];
  FloatVec squares_[kVectors];
  float count_ = 0;
};

/// Whole groups of vectors through `Sum`; what is left at the end in two passes. Short rows are
/// gathered first.
template <class Sum>
HWY_INLINE void moments_by(Rows x, std::size_t rows, std::size_t columns, Moments* out) {
  if (rows * columns == 0) return;
  if (x.stride == static_cast<std::ptrdiff_t>(columns)) {
    columns *= rows;
    rows = 1;
  }
  constexpr std::size_t kRoom = 1024;
  float gathered[kRoom] = {};
  Sum sum(x.base[0]);
  const std::size_t group = Sum::kVectors * hn::Lanes(FloatTag());
  std::size_t held = 0;
  const auto drain = [&](const float* from, std::size_t size) {
    std::size_t i = 0;
    for (; i + group <= size; i += group) sum.take(from + i);
    return i;
  };
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = x.base + static_cast<std::ptrdiff_t>(r) * x.stride;
    std::size_t c = held == 0 ? drain(row, columns) : 0;
    while (c < columns) {
      const std::size_t n = std::min(kRoom - held, columns - c);
      std::memcpy(gathered + held, row + c, n * sizeof(float));
      held += n;
      c += n;
      if (held < kRoom) continue;
      const std::size_t done = drain(gathered, held);
      std::memmove(gathered, gathered + done, (held - done) * sizeof(float));
      held -= done;
    }
  }
  const std::size_t done = drain(gathered, held);
  *out = sum.result();
  if (done < held) {
    const std::size_t rest = held - done;
    out->merge(moments({gathered + done, static_cast<std::ptrdiff_t>(rest)}, 1, rest));
  }
}

void kahan_impl(Rows x, std::size_t rows, std::size_t columns, Moments* out) {
  moments_by<Kahan>(x, rows, columns, out);
}
void welford_impl(Rows x, std::size_t rows, std::size_t columns, Moments* out) {
  moments_by<Welford>(x, rows, columns, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(kahan_impl);
HWY_EXPORT(welford_impl);

Moments kahan_moments(Rows x, std::size_t rows, std::size_t columns) {
  Moments moments;
  HWY_DYNAMIC_DISPATCH(kahan_impl)(x, rows, columns, &moments);
  return moments;
}

Moments welford_moments(Rows x, std::size_t rows, std::size_t columns) {
  Moments moments;
  HWY_DYNAMIC_DISPATCH(welford_impl)(x, rows, columns, &moments);
  return moments;
}

}  // namespace metalaudio::nn::cpu
#endif
