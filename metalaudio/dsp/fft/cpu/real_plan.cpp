#include <metalaudio/dsp/fft/cpu/real_plan.h>

#include <algorithm>

namespace metalaudio::dsp {

namespace {

/// One pass where a butterfly is large enough. Otherwise two butterflies of the pass among the
/// mirrored ones fill the registers, so its radix is small: the last one.
std::vector<std::size_t> real_radices(std::size_t height) {
  if (height <= 5 || height == 7 || height == 8) return {height};
  for (const std::size_t last : {4U, 2U, 3U, 5U, 7U}) {
    if (height % last != 0) continue;
    auto radices = fft_radices(height / last);
    radices.push_back(last);
    return radices;
  }
  return {};
}

/// The butterflies of a pass are numbered by their first output (or input) k; `row` is where it
/// lies, and the others follow at k + count, k + 2·count, …
template <typename T, typename Row>
FftMirrors<T> make_mirrors(std::size_t count, std::size_t radix, Row row,
                           const FftRoots& half_turns, std::complex<double> factor, bool inverse) {
  std::vector<std::size_t> numbers;
  for (std::size_t k = 0; 2 * k <= count; ++k) numbers.push_back(k);
  const auto mirror = [count](std::size_t k) { return (count - k) % count; };
  std::stable_sort(numbers.begin(), numbers.end(), [&](std::size_t a, std::size_t b) {
    const bool single_a = mirror(a) == a, single_b = mirror(b) == b;
    return single_a != single_b ? single_a : row(a) < row(b);
  });
  FftMirrors<T> mirrors;
  mirrors.factors = Array<T>(2 * radix * numbers.size());
  T* out = mirrors.factors.data();
  for (const std::size_t k : numbers) {
    mirrors.pairs.push_back(
        {static_cast<std::uint32_t>(row(k)), static_cast<std::uint32_t>(row(mirror(k)))});
    for (std::size_t s = 0; s < radix; ++s) {
      const std::complex<double> root = half_turns(k + s * count);
      const std::complex<double> w = factor * (inverse ? std::conj(root) : root);
      *out++ = static_cast<T>(w.real());
      *out++ = static_cast<T>(w.imag());
    }
  }
  return mirrors;
}

/// Bins height + 2·height·l of the middle row: sums over the lanes j of exp(-πi(1 + 2l)j/lanes).
template <typename T>
void make_middle(FftReal<T>& plan) {
  const std::size_t lanes = plan.lanes;
  plan.middle_forward = Array<T>(lanes * lanes);
  plan.middle_inverse = Array<T>(lanes * lanes);
  const FftRoots root(2 * lanes);
  for (std::size_t j = 0; j < lanes; ++j) {
    for (std::size_t l = 0; l < lanes / 2; ++l) {
      const std::complex<double> w = root((1 + 2 * l) * j);
      const std::size_t re = l, im = lanes / 2 + l;
      plan.middle_forward[j * lanes + re] = static_cast<T>(w.real());
      plan.middle_forward[j * lanes + im] = static_cast<T>(w.imag());
      // The other half of the bins is the mirror image.
      plan.middle_inverse[re * lanes + j] = static_cast<T>(2.0 * w.real());
      plan.middle_inverse[im * lanes + j] = static_cast<T>(2.0 * w.imag());
    }
  }
}

template <typename T>
void write(const std::complex<double>& v, std::size_t lanes, T* out) {
  out[0] = static_cast<T>(v.real());
  out[lanes] = static_cast<T>(v.imag());
}

/// With t the twiddle factor of row i and number j, t2 that of number j + lanes/2, and w that of
/// the butterfly of the two.
template <typename T>
void make_half_group(FftReal<T>& plan) {
  const std::size_t lanes = plan.lanes, half = lanes / 2;
  plan.half_forward = Array<T>(half * 4 * lanes);
  plan.half_inverse = Array<T>(half * 4 * lanes);
  const FftRoots root(plan.size);
  for (std::size_t j = 0; j < half; ++j) {
    T* forward = plan.half_forward.data() + j * 4 * lanes;
    T* inverse = plan.half_inverse.data() + j * 4 * lanes;
    const std::complex<double> w = root(j * (plan.size / lanes));
    for (std::size_t i = 0; i < half; ++i) {
      const std::complex<double> t = root(j * i), t2 = root((j + half) * i);
      write(t, lanes, forward + i);
      write(t2, lanes, forward + 2 * lanes + i);
      write(-w * t2, lanes, forward + half + i);
      write(w * t, lanes, forward + 2 * lanes + half + i);
      write(t, lanes, inverse + i);
      write(w * t, lanes, inverse + 2 * lanes + i);
      write(-w * t2, lanes, inverse + half + i);
      write(t2, lanes, inverse + 2 * lanes + half + i);
    }
  }
}

}  // namespace

template <typename T>
std::size_t FftReal<T>::unordered_size() const noexcept {
  const std::size_t used = lanes * stride + (middle_alone ? lanes / 2 : 0);
  // Whole vectors; and a distance between real and imaginary parts that is no power of two.
  return (used + 15) / 16 * 16 + (height >= 32 ? 32 : 0);
}

template <typename T>
std::size_t fft_real_lanes(std::size_t size, std::size_t widest) {
  for (std::size_t lanes = widest; lanes >= 16 / sizeof(T); lanes /= 2) {
    const std::size_t height = size / (2 * lanes);
    if (size % (2 * lanes) != 0 || height < 2 || !is_smooth(height)) continue;
    if (height + 1 >= lanes || (lanes * sizeof(T) == 64 && height == lanes / 2)) return lanes;
  }
  return 0;
}

template <typename T>
FftReal<T> make_fft_real(std::size_t size, std::size_t lanes) {
  FftReal<T> plan;
  plan.size = size;
  plan.lanes = lanes;
  plan.height = size / (2 * lanes);
  auto radices = real_radices(plan.height);
  const std::size_t radix = radices.back();
  const std::size_t count = plan.height / radix;
  plan.forward = make_fft_columns<T>(radices, fft_gap(radices));
  auto& row_of = plan.forward.row_of;
  row_of.resize(std::max(row_of.size(), plan.height + 1));
  row_of[plan.height] = static_cast<std::uint32_t>(plan.forward.stored_rows());
  std::reverse(radices.begin(), radices.end());
  plan.inverse = make_fft_columns<T>(radices, 0);

  const FftRoots half_turns(2 * plan.height);
  plan.forward_last = make_mirrors<T>(
      count, radix, [&](std::size_t k) { return row_of[k]; }, half_turns, {0.0, -0.5}, false);
  plan.inverse_first = make_mirrors<T>(
      count, radix, [](std::size_t k) { return k; }, half_turns,
      {0.0, 1.0 / static_cast<double>(size)}, true);

  plan.middle_alone = plan.halved() || plan.height % lanes == 0;
  const std::size_t rows = plan.height + (plan.middle_alone ? 0 : 1);
  if (plan.halved()) {
    make_half_group(plan);
  } else {
    plan.groups = make_fft_groups<T>(size, rows, lanes);
  }
  if (plan.middle_alone) make_middle(plan);
  // Rows of a power of two meet in the same cache sets.
  plan.stride = rows + (plan.height >= 256 ? 16 : 0);
  // Half a microsecond each.
  plan.slices = size >= 2048 ? std::clamp<std::size_t>(size / 4096, 1, 32) : 0;
  return plan;
}

template struct FftReal<float>;
template struct FftReal<double>;
template std::size_t fft_real_lanes<float>(std::size_t, std::size_t);
template std::size_t fft_real_lanes<double>(std::size_t, std::size_t);
template FftReal<float> make_fft_real(std::size_t, std::size_t);
template FftReal<double> make_fft_real(std::size_t, std::size_t);

}  // namespace metalaudio::dsp
