#include <metalaudio/nn/io/onnx/call.h>
#include <metalaudio/nn/io/onnx/einsum.h>

#include <algorithm>
#include <map>

namespace metalaudio::nn {

namespace {

/// Labels of axes: letters, and the digits 0… for the axes of an ellipsis, counted from the last.
using Labels = std::string;

struct Operand {
  Value value;
  Labels labels;
};

bool has(const Labels& labels, char label) { return labels.find(label) != Labels::npos; }

class Einsum {
 public:
  Einsum(Builder& b, const std::string& equation, const std::vector<Value>& values) : b_(b) {
    std::string text = equation;
    std::erase_if(text, [](char c) { return c == ' '; });
    const std::size_t arrow = text.find("->");
    const std::vector<std::string> terms = split(text.substr(0, arrow));
    if (terms.size() != values.size()) invalid("{} operands for \"{}\"", values.size(), equation);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      operands_.push_back({values[i], labels_of(terms[i], static_cast<int>(b_.rank(values[i])))});
      measure(operands_.back());
    }
    result_ = arrow != std::string::npos ? labels_of(text.substr(arrow + 2), -1) : implied();
    for (const char label : result_) {
      if (!extents_.contains(label) || std::count(result_.begin(), result_.end(), label) > 1) {
        invalid("\"{}\": the result's {}", equation, label);
      }
    }
  }

  Value run() {
    for (Operand& operand : operands_) take_diagonals(operand);
    Operand all = operands_[0];
    for (std::size_t i = 1; i < operands_.size(); ++i) {
      Labels later = result_;
      for (std::size_t k = i + 1; k < operands_.size(); ++k) later += operands_[k].labels;
      all = multiply(all, operands_[i], later);
    }
    sum_out(all, result_);
    all = ordered(all, result_);
    return all.value;
  }

 private:
  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> terms{""};
    for (const char c : text) c == ',' ? terms.emplace_back() : terms.back() += c;
    return terms;
  }

  /// Of the result (rank -1), an ellipsis stands for all axes that any operand has there.
  Labels labels_of(const std::string& term, int rank) {
    const std::size_t dots = term.find("...");
    const std::string letters =
        dots == std::string::npos ? term : term.substr(0, dots) + term.substr(dots + 3);
    for (const char c : letters) {
      if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) invalid("\"{}\" in an equation", c);
    }
    const int extra = rank < 0 ? dotted_ : rank - static_cast<int>(letters.size());
    if (extra < 0 || (dots == std::string::npos && rank >= 0 && extra != 0)) {
      invalid("\"{}\" for {} axes", term, rank);
    }
    if (dots == std::string::npos) return letters;
    dotted_ = std::max(dotted_, extra);
    Labels labels = letters.substr(0, dots);
    for (int i = extra; i-- > 0;) labels += static_cast<char>('0' + i);
    return labels + letters.substr(dots);
  }

  void measure(const Operand& operand) {
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      const std::int64_t extent = b_.shape(operand.value)[i];
      std::int64_t& known = extents_.try_emplace(operand.labels[i], extent).first->second;
      if (known != extent && known != 1 && extent != 1) {
        invalid("axis {} is {} and {}", operand.labels[i], known, extent);
      }
      if (known == 1) known = extent;
    }
  }

  /// Without an arrow: the ellipsis, then the letters that stand once, in order.
  Labels implied() const {
    Labels labels;
    std::map<char, int> counts;
    for (const Operand& operand : operands_) {
      for (const char label : operand.labels) ++counts[label];
    }
    for (int i = dotted_; i-- > 0;) labels += static_cast<char>('0' + i);
    for (const auto& [label, count] : counts) {
      if (count == 1 && (label < '0' || label > '9')) labels += label;
    }
    return labels;
  }

  /// One axis for each label: where two axes share one, what is off the diagonal is dropped.
  void take_diagonals(Operand& operand) {
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      const std::size_t k = operand.labels.find(operand.labels[i], i + 1);
      if (k == Labels::npos) continue;
      const std::int64_t n = b_.shape(operand.value)[i];
      if (b_.shape(operand.value)[k] != n)
        invalid("a diagonal of {} by {}", n, b_.shape(operand.value)[k]);
      b_.check_room(static_cast<double>(n) * static_cast<double>(n));
      Integers positions(static_cast<std::size_t>(n * n));
      for (std::int64_t at = 0; at < n; ++at) positions[static_cast<std::size_t>(at * n + at)] = 1;
      Integers mask_extents(operand.labels.size(), 1);
      mask_extents[i] = mask_extents[k] = n;
      const Value mask =
          b_.cast(b_.reshape(b_.integers(positions), Shape(mask_extents)), DataType::boolean);
      const Value kept = b_.where(mask, operand.value, b_.number(0, b_.type(operand.value)));
      operand.value = b_.reduce(ReduceFunction::sum, kept, {k}, false);
      operand.labels.erase(k, 1);
      --i;
    }
  }

  void sum_out(Operand& operand, const Labels& kept) {
    std::vector<std::size_t> axes;
    Labels left;
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      has(kept, operand.labels[i]) ? left.push_back(operand.labels[i]) : axes.push_back(i);
    }
    if (axes.empty()) return;
    operand = {b_.reduce(ReduceFunction::sum, operand.value, axes, false), left};
  }

  /// The axes in another order; those that it has not get an extent of 1.
  Operand ordered(const Operand& operand, const Labels& labels) {
    std::vector<std::size_t> order;
    Integers extents;
    for (const char label : labels) {
      const std::size_t at = operand.labels.find(label);
      extents.push_back(at == Labels::npos ? 1 : b_.shape(operand.value)[at]);
      if (at != Labels::npos) order.push_back(at);
    }
    return {b_.reshape(b_.transpose(operand.value, order), Shape(extents)), labels};
  }

  Operand widened(Operand operand, const Labels& labels) {
    operand = ordered(operand, labels);
    Integers extents;
    for (const char label : labels) extents.push_back(extents_.at(label));
    return {b_.expand(operand.value, Shape(extents)), labels};
  }

  std::int64_t extent_of(const Labels& labels) const {
    std::int64_t extent = 1;
    for (const char label : labels) extent *= extents_.at(label);
    return extent;
  }

  /// The product of two, summed over what neither the result nor a later operand has.
  Operand multiply(Operand left, Operand right, const Labels& later) {
    sum_out(left, right.labels + later);
    sum_out(right, left.labels + later);
    Labels batch;
    Labels rows;
    Labels depth;
    Labels columns;
    for (const char label : left.labels) {
      (!has(right.labels, label) ? rows : has(later, label) ? batch : depth) += label;
    }
    for (const char label : right.labels) {
      if (!has(left.labels, label)) columns += label;
    }
    if (depth.empty()) {
      const Labels labels = batch + rows + columns;
      return {b_.multiply(ordered(left, labels).value, ordered(right, labels).value), labels};
    }
    const std::int64_t b = extent_of(batch);
    const std::int64_t k = extent_of(depth);
    const Value a = b_.reshape(widened(left, batch + rows + depth).value, {b, extent_of(rows), k});
    const Value c =
        b_.reshape(widened(right, batch + depth + columns).value, {b, k, extent_of(columns)});
    const Labels labels = batch + rows + columns;
    Integers extents;
    for (const char label : labels) extents.push_back(extents_.at(label));
    return {b_.reshape(b_.matmul(a, c), Shape(extents)), labels};
  }

  Builder& b_;
  std::vector<Operand> operands_;
  Labels result_;
  int dotted_ = 0;
  std::map<char, std::int64_t> extents_;
};

}  // namespace

Value einsum(Builder& builder, const std::string& equation, const std::vector<Value>& operands) {
  if (operands.empty()) invalid("no operands");
  return Einsum(builder, equation, operands).run();
}

}  // namespace metalaudio::nn
