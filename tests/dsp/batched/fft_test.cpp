#include <metalaudio/dsp/batched_complex_fft.h>
#include <metalaudio/dsp/batched_fft.h>
#include <metalaudio/dsp/complex_fft.h>
#include <metalaudio/dsp/fft.h>

#include <complex>
#include <cstdint>

#include "tests/dsp/batched/device.h"
#include "tests/support/fake_gpu.h"
#include "tests/support/test_folder.h"

namespace metalaudio::dsp {
namespace {

// Every size of our own kernels, and odd, prime and large ones; 1 and 2 too.
const std::vector<std::size_t> kSizes{1,    2,    3,    8,     16,    32,    64,   100,
                                      127,  128,  256,  480,   512,   1024,  1536, 2048,
                                      4096, 5003, 8192, 12000, 16384, 32768, 65536};

std::int64_t extent(std::size_t n) { return static_cast<std::int64_t>(n); }

std::vector<double> widened(const std::vector<float>& x) { return {x.begin(), x.end()}; }

/// The spectra of rows of real samples, in double, as pairs.
std::vector<double> real_spectra(const std::vector<float>& x, std::size_t size) {
  FftDouble fft(size);
  const std::vector<double> wide = widened(x);
  std::vector<double> out(x.size() / size * fft.bins() * 2);
  auto* const bins = reinterpret_cast<std::complex<double>*>(out.data());
  for (std::size_t row = 0; row < x.size() / size; ++row) {
    fft.forward({wide.data() + row * size, size}, std::span(bins + row * fft.bins(), fft.bins()));
  }
  return out;
}

TEST(BatchedFft, EqualsTheTransformInDoubleForEverySize) {
  for (const std::size_t size : kSizes) {
    for (const std::size_t count : {1, 3, 37}) {
      SCOPED_TRACE(testing::Message() << count << " of " << size);
      BatchedFft fft(size, batched_test_options());
      EXPECT_EQ(fft.device(), batched_test_device()->properties().type);
      const std::vector<float> x = noise(count * size, static_cast<unsigned>(size));
      const Tensor in = tensor_of(x, {extent(count), extent(size)});
      Tensor spectra = poisoned({extent(count), extent(fft.bins()), 2});
      fft.forward(in.view(), spectra.view());
      EXPECT_LE(relative_error<double>(values_of(spectra), real_spectra(x, size)),
                fft_tolerance(size));
      Tensor back = poisoned({extent(count), extent(size)});
      fft.inverse(spectra.view(), back.view());
      EXPECT_LE(relative_error<float>(values_of(back), x), 2 * fft_tolerance(size));
    }
  }
}

TEST(BatchedFft, TakesWhatShouldBeRealAsReal) {
  for (const std::size_t size : {16, 100, 101, 4096}) {
    BatchedFft fft(size, batched_test_options());
    const std::vector<float> x = noise(2 * size);
    Tensor spectra = poisoned({2, extent(fft.bins()), 2});
    fft.forward(tensor_of(x, {2, extent(size)}).view(), spectra.view());
    std::vector<float> bins = values_of(spectra);
    for (const std::size_t row : {0, 1}) {
      bins[2 * row * fft.bins() + 1] = 5;
      if (size % 2 == 0) bins[2 * (row + 1) * fft.bins() - 1] = -3;
    }
    Tensor back = poisoned({2, extent(size)});
    fft.inverse(tensor_of(bins, spectra.shape()).view(), back.view());
    EXPECT_LE(relative_error<float>(values_of(back), x), 2 * fft_tolerance(size)) << size;
  }
}

TEST(BatchedFft, TakesAnyAxesBeforeAndExtentsOfZero) {
  BatchedFft fft(64, batched_test_options());
  const std::vector<float> x = noise(2 * 3 * 64);
  Tensor spectra = poisoned({2, 3, 33, 2});
  fft.forward(tensor_of(x, {2, 3, 64}).view(), spectra.view());
  EXPECT_LE(relative_error<double>(values_of(spectra), real_spectra(x, 64)), fft_tolerance(64));
  Tensor one = poisoned({33, 2});
  fft.forward(tensor_of({x.begin(), x.begin() + 64}, {64}).view(), one.view());
  EXPECT_EQ(values_of(one)[0], values_of(spectra)[0]);
  Tensor none = poisoned({0, 33, 2});
  fft.forward(tensor_of({}, {0, 64}).view(), none.view());
  Tensor back = poisoned({0, 64});
  fft.inverse(none.view(), back.view());
}

TEST(BatchedFft, TheBitsDoNotDependOnTheBatch) {
  for (const std::size_t size : {16, 64, 512, 4096, 16384}) {
    BatchedFft fft(size, batched_test_options());
    const std::vector<float> x = noise(300 * size);
    Tensor all = poisoned({300, extent(fft.bins()), 2});
    fft.forward(tensor_of(x, {300, extent(size)}).view(), all.view());
    Tensor one = poisoned({1, extent(fft.bins()), 2});
    const auto at = x.begin() + static_cast<std::ptrdiff_t>(299 * size);
    fft.forward(tensor_of({at, at + static_cast<std::ptrdiff_t>(size)}, {1, extent(size)}).view(),
                one.view());
    const std::vector<float> rows = values_of(all);
    EXPECT_EQ(
        std::vector<float>(rows.end() - static_cast<std::ptrdiff_t>(2 * fft.bins()), rows.end()),
        values_of(one))
        << size;
  }
}

TEST(BatchedFft, RefusesSizesShapesTypesAndPlaces) {
  expect_error(ErrorCode::invalid_argument, "size 0",
               [] { BatchedFft(0, batched_test_options()); });
  expect_error(ErrorCode::invalid_argument, "size",
               [] { BatchedFft((std::size_t{1} << 27) + 1, batched_test_options()); });
  BatchedFft fft(64, batched_test_options());
  Tensor x = poisoned({2, 64});
  Tensor spectra = poisoned({2, 33, 2});
  for (const Shape& wrong : {Shape{2, 32, 2}, Shape{3, 33, 2}, Shape{66, 2}, Shape{2, 33, 1, 2}}) {
    Tensor other = poisoned(wrong);
    expect_error(ErrorCode::invalid_argument, "expected [..., 64]",
                 [&] { fft.forward(x.view(), other.view()); });
    expect_error(ErrorCode::invalid_argument, "expected [..., 64]",
                 [&] { fft.inverse(other.view(), x.view()); });
  }
  Tensor wide(Shape{2, 64}, DataType::f64, batched_test_device());
  expect_error(ErrorCode::invalid_argument, "f64",
               [&] { fft.forward(wide.view(), spectra.view()); });
  Tensor elsewhere(Shape{2, 64}, DataType::f32, std::make_shared<FakeGpu>());
  expect_error(ErrorCode::invalid_argument, "does not lie on",
               [&] { fft.forward(elsewhere.view(), spectra.view()); });
  if (fft.device() == DeviceType::cuda) {
    Tensor larger = poisoned({2 * 64 + 1});
    const ConstTensorView odd(DataType::f32, {2, 64}, larger.view().handle(), sizeof(float),
                              larger.view().device());
    expect_error(ErrorCode::invalid_argument, "multiple of 8",
                 [&] { fft.forward(odd, spectra.view()); });
  }
}

TEST(BatchedComplexFft, EqualsTheTransformInDoubleForEverySize) {
  for (const std::size_t size : kSizes) {
    for (const std::size_t count : {1, 5}) {
      SCOPED_TRACE(testing::Message() << count << " of " << size);
      BatchedComplexFft fft(size, batched_test_options());
      const std::vector<float> x = noise(2 * count * size, static_cast<unsigned>(size));
      const std::vector<double> wide = widened(x);
      std::vector<double> expected(wide.size());
      ComplexFftDouble reference(size);
      const auto* const from = reinterpret_cast<const std::complex<double>*>(wide.data());
      auto* const to = reinterpret_cast<std::complex<double>*>(expected.data());
      for (std::size_t row = 0; row < count; ++row) {
        reference.forward(std::span(from + row * size, size), std::span(to + row * size, size));
      }
      const Shape shape{extent(count), extent(size), 2};
      Tensor out = poisoned(shape);
      fft.forward(tensor_of(x, shape).view(), out.view());
      EXPECT_LE(relative_error<double>(values_of(out), expected), fft_tolerance(size));
      Tensor back = poisoned(shape);
      fft.inverse(out.view(), back.view());
      EXPECT_LE(relative_error<float>(values_of(back), x), 2 * fft_tolerance(size));
    }
  }
}

}  // namespace
}  // namespace metalaudio::dsp
