#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/pooling.h>

namespace metalaudio::nn::layers {

Pooling::Pooling(PoolFunction function, const PoolOptions& options)
    : function_(function), count_padding_(options.count_include_pad) {
  const auto entry = [&](const std::vector<std::int64_t>& list, std::size_t axis,
                         std::int64_t otherwise) {
    if (list.empty()) return otherwise;
    return list.size() == 1 ? list[0] : list.at(axis);
  };
  for (std::size_t i = 0; i < options.kernel_size.size(); ++i) {
    const std::int64_t kernel = options.kernel_size[i];
    const std::int64_t padding = entry(options.padding, i, 0);
    axes_.push_back({kernel, entry(options.stride, i, kernel), entry(options.dilation, i, 1),
                     padding, padding});
    if (!axes_.back().sound() || padding < 0 || 2 * padding > kernel) {
      fail(ErrorCode::invalid_argument, "[{}] axis {}: kernel {}, stride {}, padding {}", name(), i,
           kernel, axes_.back().stride, padding);
    }
  }
  if (axes_.empty()) fail(ErrorCode::invalid_argument, "[Pool] no kernel_size");
}

std::string Pooling::name() const {
  std::string sizes;
  for (const SlidingAxis& axis : axes_) {
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", axis.kernel);
  }
  return fmt::format("{}({})", function_ == PoolFunction::maximum ? "MaxPool" : "AvgPool", sizes);
}

Value Pooling::do_write(const Scope& scope, Value x) const {
  const Shape& shape = scope.graph.shape(x);
  if (shape.rank() != axes_.size() + 2) {
    refuse(ErrorCode::invalid_argument, scope, "the input is {}, expected {} axes",
           shape.to_string(), axes_.size() + 2);
  }
  const SlidingAxis& time = axes_[0];
  if (scope.mode != Mode::offline) {
    const std::int64_t reach = time.dilation * (time.kernel - 1) + 1;
    if (scope.mode == Mode::sequence || time.before > 0 || reach > time.stride) {
      expect_offline(scope);
    }
    if (shape[1] % time.stride != 0) {
      refuse(ErrorCode::invalid_argument, scope, "a block of {} frames, expected a multiple of {}",
             shape[1], time.stride);
    }
  }
  return scope.graph.apply(Pool{function_, axes_, count_padding_}, {x});
}

Value GlobalAvgPool::do_write(const Scope& scope, Value x) const {
  expect_offline(scope);
  const Shape& shape = scope.graph.shape(x);
  Pool pool{PoolFunction::average};
  for (std::size_t i = 1; i + 1 < shape.rank(); ++i) pool.axes.push_back({shape[i]});
  return scope.graph.apply(pool, {x});
}

}  // namespace metalaudio::nn::layers
