#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

/// The pool's runs of one length: their values, and which of all runs the first one is.
struct Grams {
  std::int64_t length;
  Integers values;
  std::int64_t first;
  std::int64_t count() const { return static_cast<std::int64_t>(values.size()) / length; }
};

std::vector<Grams> grams_of(const Integers& pool, const Integers& starts) {
  std::vector<Grams> all;
  std::int64_t first = 0;
  const auto size = static_cast<std::int64_t>(pool.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t end = i + 1 < starts.size() ? starts[i + 1] : size;
    const auto length = static_cast<std::int64_t>(i) + 1;
    if (starts[i] < 0 || end < starts[i] || end > size || (end - starts[i]) % length != 0) {
      invalid("runs of {} from {} to {} of {}", length, starts[i], end, size);
    }
    all.push_back({length, Integers(pool.begin() + starts[i], pool.begin() + end), first});
    first += all.back().count();
  }
  return all;
}

/// How often each run is in each row of x[B][C], its parts `step` places apart: [B][runs].
Value occurrences(Builder& b, Value x, const Grams& grams, std::int64_t step) {
  const Shape shape = b.shape(x);
  const std::int64_t places = shape[1] - (grams.length - 1) * step;
  if (places < 1) return b.filled({shape[0], grams.count()}, 0, DataType::f32);
  const Value runs = b.reshape(b.integers(grams.values), {1, 1, grams.count(), grams.length});
  Value same{};
  for (std::int64_t i = 0; i < grams.length; ++i) {
    const Value here = b.reshape(b.slice(x, 1, i * step, places), {shape[0], places, 1});
    const Value equal = b.equal(here, b.pick(runs, 3, i));
    same = same.present() ? b.binary(BinaryFunction::logical_and, same, equal) : equal;
  }
  return b.reduce(ReduceFunction::sum, b.cast(same, DataType::f32), {1}, false);
}

/// X[C] or [B][C] of integers -> how often it has each run of the pool, in the order of
/// ngram_indexes.
Results tfidf_vectorizer(Call& c) {
  Builder& b = c.b;
  const auto list = [&](const char* name) {
    return c.attribute_integers(name).value_or(Integers{});
  };
  if (c.has_attribute("pool_strings")) unsupported("text");
  const Integers indexes = list("ngram_indexes");
  const std::vector<Grams> grams = grams_of(list("pool_int64s"), list("ngram_counts"));
  const std::int64_t least = c.attribute("min_gram_length", std::int64_t{1});
  const std::int64_t most = c.attribute("max_gram_length", std::int64_t{1});
  const std::int64_t skips = c.attribute("max_skip_count", std::int64_t{0});
  const auto count = static_cast<std::int64_t>(indexes.size());
  if (count == 0 || grams.empty() || grams.back().first + grams.back().count() != count ||
      skips < 0 || skips > 1024) {
    invalid("{} places for the runs", count);
  }
  const Shape in = c.shape(0);
  if (in.rank() < 1 || in.rank() > 2) invalid("input {}", in.to_string());
  const Value x =
      b.reshape(b.cast(c.in(0), DataType::i64), {in.rank() == 2 ? in[0] : 1, in.back()});
  std::vector<Value> found;
  for (const Grams& group : grams) {
    if (group.count() == 0) continue;
    Value sum = b.filled({b.shape(x)[0], group.count()}, 0, DataType::f32);
    for (std::int64_t skip = 0; skip <= (group.length == 1 ? 0 : skips); ++skip) {
      if (group.length < least || group.length > most) break;
      sum = b.add(sum, occurrences(b, x, group, skip + 1));
    }
    found.push_back(sum);
  }
  Value counts = b.concat(found, 1);
  const std::string mode = c.attribute("mode", "TF");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") invalid("mode \"{}\"", mode);
  if (mode == "IDF") counts = b.unary(UnaryFunction::clip, counts, 0, 1);
  if (mode != "TF") {
    if (const auto weights = c.attribute_floats("weights")) {
      const std::vector<double> wide(weights->begin(), weights->end());
      if (wide.size() != indexes.size()) invalid("{} weights", wide.size());
      counts = b.multiply(counts, b.floats(wide, {1, count}, DataType::f32));
    }
  }
  const auto [first, last] = std::minmax_element(indexes.begin(), indexes.end());
  if (*first < 0 || *last >= 1 << 24) invalid("places {} to {}", *first, *last);
  const std::int64_t width = *last + 1;
  const Value empty = b.filled({width, b.shape(x)[0]}, 0, DataType::f32);
  const Value to = b.reshape(b.integers(indexes), {count, 1});
  const Value y = b.swap_last_two(
      b.apply(ScatterNd{ScatterReduction::add}, {empty, to, b.swap_last_two(counts)}));
  return {in.rank() == 2 ? y : b.reshape(y, {width})};
}

constexpr ImportEntry kEntries[] = {{"TfIdfVectorizer", tfidf_vectorizer}};

}  // namespace

std::span<const ImportEntry> ngram_imports() { return kEntries; }

}  // namespace metalaudio::nn
