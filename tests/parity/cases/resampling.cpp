#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

Pool pool_of(PoolFunction function, std::size_t variant) {
  const std::vector<SlidingAxis> axes[] = {
      {{3, 1, 1, 1, 1}},
      {{2, 2, 1, 0, 0}},
      {{3, 2, 2, 2, 1}},
      {{2, 1, 1, 0, 1}, {3, 2, 1, 1, 0}},
      {{2, 2, 1, 0, 0}, {2, 1, 2, 1, 1}, {3, 3, 1, 1, 1}},
  };
  Pool pool{function, axes[variant % 5], variant % 2 == 0, 2, false, {}};
  if (variant % 3 == 0) pool.uncounted_after.assign(pool.axes.size(), 1);
  if (function == PoolFunction::lp) pool.p = static_cast<std::int64_t>(variant % 3) + 1;
  return pool;
}

Value pool_input(Maker& m, const Pool& pool, std::size_t variant, DataType type) {
  std::vector<std::int64_t> shape = {2, 7};
  for (std::size_t i = 1; i < pool.axes.size(); ++i) shape.push_back(5);
  shape.push_back(kSizes[variant % kSizes.size()]);
  return m.input(Shape(shape), type);
}

ParityCase pool_case(PoolFunction function, DataType type, bool indices = false) {
  return {.name = std::string(to_string(function)) + "_" + std::string(to_string(type)) +
                  (indices ? "_indices" : ""),
          .make =
              [=](Maker& m, std::size_t variant) {
                Pool pool = pool_of(function, variant);
                pool.indices = indices;
                const std::vector<Value> y =
                    m.graph.apply_all(pool, {pool_input(m, pool, variant, type)});
                m.graph.output("y", y[0]);
                if (indices) m.graph.output("indices", y[1]);
              },
          .variants = 60,
          .tolerance = function == PoolFunction::maximum ? Tolerance::exact : Tolerance::elements};
}

constexpr ResizeCoordinates kCoordinates[] = {
    ResizeCoordinates::half_pixel,         ResizeCoordinates::half_pixel_symmetric,
    ResizeCoordinates::pytorch_half_pixel, ResizeCoordinates::align_corners,
    ResizeCoordinates::asymmetric,         ResizeCoordinates::tf_crop_and_resize};

ParityCase resize_case(ResizeMode mode, DataType type) {
  const char* names[] = {"nearest", "linear", "cubic"};
  return {.name = "resize_" + std::string(names[static_cast<int>(mode)]) + "_" +
                  std::string(to_string(type)),
          .make =
              [=](Maker& m, std::size_t variant) {
                Resize resize;
                resize.mode = mode;
                resize.coordinates = kCoordinates[variant % 6];
                resize.rounding = static_cast<ResizeRounding>(variant / 6 % 4);
                resize.exclude_outside = variant % 4 == 1;
                resize.antialias = variant % 5 == 1;
                const Shape shapes[] = {{2, 11, 9, 3}, {2, 3, 4, 3}, {2, 7, 1, 3}, {2, 5, 6, 3}};
                resize.shape = shapes[variant % 4];
                if (variant % 7 == 0) {
                  // 5 · 1.625 and 6 · 0.625 are cut to whole extents.
                  resize.shape = {2, 8, 3, 3};
                  resize.scales = {1, 1.625, 0.625, 1};
                }
                if (resize.coordinates == ResizeCoordinates::tf_crop_and_resize) {
                  // Exact in binary, as is every position.
                  resize.roi = {0, 0.25, -0.5, 0, 1, 1.25, 0.75, 1};
                  resize.extrapolation = 7;
                }
                m.finish(m.graph.apply(resize, {m.input_between({2, 5, 6, 3}, 10, 100, type)}));
              },
          .variants = 84,
          .tolerance = mode == ResizeMode::nearest ? Tolerance::exact : Tolerance::sums};
}

}  // namespace

std::vector<ParityCase> resampling_cases() {
  using F = PoolFunction;
  std::vector<ParityCase> all;
  for (const F f : {F::maximum, F::average, F::lp}) {
    for (const DataType type : {DataType::f32, DataType::f64, DataType::f16}) {
      all.push_back(pool_case(f, type));
    }
  }
  for (const DataType type : {DataType::f32, DataType::i8, DataType::u8, DataType::bf16}) {
    all.push_back(pool_case(F::maximum, type, true));
  }
  all.push_back(pool_case(F::maximum, DataType::i8));
  for (const ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic}) {
    for (const DataType type : {DataType::f32, DataType::f64, DataType::f16}) {
      all.push_back(resize_case(mode, type));
    }
  }
  all.push_back(resize_case(ResizeMode::nearest, DataType::u8));
  return all;
}

}  // namespace metalaudio::nn
