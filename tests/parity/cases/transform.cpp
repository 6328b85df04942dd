#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

Dft dft_of(std::size_t variant, std::int64_t* parts) {
  Dft dft;
  dft.axis = static_cast<std::int64_t>(variant % 2);
  dft.inverse = variant / 2 % 2 == 1;
  dft.onesided = variant / 4 % 2 == 1;
  const std::int64_t sizes[] = {0, 0, 5, 16};
  dft.size = sizes[variant / 8 % 4];
  *parts = dft.onesided ? (dft.inverse ? 2 : 1) : static_cast<std::int64_t>(variant / 32 % 2) + 1;
  return dft;
}

ParityCase dft_case(DataType type) {
  return {.name = "dft_" + std::string(to_string(type)),
          .make =
              [type](Maker& m, std::size_t variant) {
                const std::int64_t extents[] = {2, 3, 8, 7, 12, 13};
                std::int64_t parts = 1;
                const Dft dft = dft_of(variant, &parts);
                const std::int64_t n = extents[variant % 6];
                const Shape shape = dft.axis == 0 ? Shape{n, 3, parts} : Shape{2, n, 3, parts};
                m.finish(m.graph.apply(dft, {m.input(shape, type)}));
              },
          .variants = 192};
}

ParityCase stft_case(DataType type) {
  return {.name = "stft_" + std::string(to_string(type)),
          .make =
              [type](Maker& m, std::size_t variant) {
                const std::int64_t frames[] = {1, 8, 15, 16};
                const std::int64_t frame = frames[variant % 4];
                const bool onesided = variant / 4 % 2 == 0;
                const std::int64_t parts = !onesided && variant / 8 % 2 == 1 ? 2 : 1;
                m.finish(m.graph.apply(
                    Stft{frame, 5, onesided},
                    {m.input({2, 33, parts}, type),
                     variant % 3 == 0 ? Value{} : m.input_between({frame}, 0, 1, type)}));
              },
          .variants = 48};
}

/// Scales that divide exactly, so that ties are ties.
void quantize(Maker& m, std::size_t variant, DataType type, DataType to) {
  const Value x = m.input_between({3, 4, 5}, -300, 300, type);
  const DataType scale_type = is_floating(type) ? type : DataType::f32;
  Quantize quantize{1, to, 0};
  Shape scales;
  if (variant % 3 == 1) scales = {4};
  if (variant % 3 == 2) {
    scales = {3, 2, 5};
    quantize.block = 3;
  }
  const Value scale = m.input_of(scales, {0.5, 2, 4}, scale_type);
  m.finish(m.graph.apply(
      quantize, {x, scale, variant % 2 == 0 ? m.input_of(scales, {3, 100, 7}, to) : Value{}}));
}

void dequantize(Maker& m, std::size_t variant, DataType type, DataType to) {
  const Value x = m.input_between({3, 4, 5}, is_signed(type) ? -100 : 0, 100, type);
  Dequantize quantize{-2, 0};
  Shape scales;
  if (variant % 3 == 1) scales = {4};
  if (variant % 3 == 2) {
    scales = {3, 2, 5};
    quantize.block = 2;
  }
  const Value scale = m.input_of(scales, {0.5, 2, 0.25}, to);
  m.finish(m.graph.apply(
      quantize, {x, scale, variant % 2 == 0 ? m.input_of(scales, {3, 100, 7}, type) : Value{}}));
}

}  // namespace

std::vector<ParityCase> transform_cases() {
  std::vector<ParityCase> all;
  for (const DataType type : {DataType::f32, DataType::f64, DataType::f16}) {
    all.push_back(dft_case(type));
    all.push_back(stft_case(type));
    for (const DataType to : {DataType::u8, DataType::i8, DataType::u16, DataType::i16}) {
      const std::string name = std::string(to_string(type)) + "_" + std::string(to_string(to));
      all.push_back({.name = "quantize_" + name,
                     .make = [=](Maker& m, std::size_t v) { quantize(m, v, type, to); },
                     .variants = 6,
                     .tolerance = Tolerance::exact});
      all.push_back({.name = "dequantize_" + name,
                     .make = [=](Maker& m, std::size_t v) { dequantize(m, v, to, type); },
                     .variants = 6,
                     .tolerance = Tolerance::elements});
    }
  }
  all.push_back(
      {.name = "quantize_i32_i8",
       .make = [](Maker& m, std::size_t v) { quantize(m, v, DataType::i32, DataType::i8); },
       .variants = 6,
       .tolerance = Tolerance::exact});
  all.push_back(
      {.name = "dequantize_i32",
       .make = [](Maker& m, std::size_t v) { dequantize(m, v, DataType::i32, DataType::f32); },
       .variants = 6,
       .tolerance = Tolerance::elements});
  return all;
}

}  // namespace metalaudio::nn
