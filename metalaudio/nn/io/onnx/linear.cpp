#include <metalaudio/nn/io/onnx/einsum.h>
#include <metalaudio/nn/io/onnx/import_table.h>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

Results matmul(Call& c) { return {c.b.matmul(c.in(0), c.in(1))}; }

/// alpha · A · B + beta · C, A and B turned where asked. With constant B and C it is a linear
/// layer, which backends fuse with what follows.
Results gemm(Call& c) {
  Builder& b = c.b;
  const auto side = [&](std::size_t i, const char* turned) {
    if (c.shape(i).rank() != 2) invalid("input {} is {}", i, c.shape(i).to_string());
    return c.attribute(turned, std::int64_t{0}) != 0 ? b.swap_last_two(c.in(i)) : c.in(i);
  };
  const Value left = side(0, "transA");
  const Value right = b.scaled(side(1, "transB"), c.attribute("alpha", 1.0));
  if (b.shape(left)[1] != b.shape(right)[0]) {
    invalid("{} times {}", b.shape(left).to_string(), b.shape(right).to_string());
  }
  const std::int64_t columns = b.shape(right)[1];
  const Value more = c.has(2) ? b.scaled(c.in(2), c.attribute("beta", 1.0)) : Value{};
  const bool row = !more.present() || (b.is_constant(more) && b.shape(more).size() == columns &&
                                       b.shape(more).back() == columns);
  if (is_floating(b.type(left)) && b.is_constant(right) && row) {
    const Value bias = more.present() ? b.reshape(more, {columns}) : Value{};
    return {b.apply(linear(), {left, b.swap_last_two(right), bias})};
  }
  const Value product = b.matmul(left, right);
  return {more.present() ? b.add(product, more) : product};
}

Results einsum_of(Call& c) {
  std::vector<Value> operands;
  for (std::size_t i = 0; i < c.size(); ++i) operands.push_back(c.in(i));
  return {einsum(c.b, c.attribute("equation", ""), operands)};
}

/// By elimination without pivots it would lose digits; small matrices are written out by minors.
Value determinant(Builder& b, Value x) {
  const std::size_t row = b.rank(x) - 2;
  const std::int64_t size = b.shape(x).back();
  Value top = b.pick(x, row, 0);
  if (size == 1) return b.pick(top, row, 0);
  Value sum{};
  const Value below = b.slice(x, row, 1, size - 1);
  for (std::int64_t column = 0; column < size; ++column) {
    std::vector<Value> parts;
    if (column > 0) parts.push_back(b.slice(below, row + 1, 0, column));
    if (column + 1 < size) parts.push_back(b.slice(below, row + 1, column + 1, size - column - 1));
    const Value term =
        b.multiply(b.pick(top, row, column), determinant(b, b.concat(parts, row + 1)));
    sum = !sum.present() ? term : column % 2 == 0 ? b.add(sum, term) : b.subtract(sum, term);
  }
  return sum;
}

Results det(Call& c) {
  const Shape shape = c.shape(0);
  if (shape.rank() < 2 || shape.back() != shape[shape.rank() - 2] || shape.back() < 1) {
    invalid("{} is not square", shape.to_string());
  }
  if (shape.back() > 5) unsupported("matrices of {} rows", shape.back());
  return {determinant(c.b, c.in(0))};
}

constexpr ImportEntry kEntries[] = {
    {"Det", det}, {"Einsum", einsum_of}, {"Gemm", gemm}, {"MatMul", matmul}};

}  // namespace

std::span<const ImportEntry> linear_imports() { return kEntries; }

}  // namespace metalaudio::nn
