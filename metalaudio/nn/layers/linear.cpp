#include <metalaudio/nn/layers/linear.h>

namespace metalaudio::nn::layers {

Linear::Linear(const LinearOptions& options) : options_(options) {
  expect_positive("in_features", options.in_features);
  expect_positive("out_features", options.out_features);
  declare("weight", {options.out_features, options.in_features});
  if (options.bias) declare("bias", {options.out_features});
}

std::string Linear::name() const {
  return fmt::format("Linear({}, {})", options_.in_features, options_.out_features);
}

Value Linear::do_write(const Scope& scope, Value x) const {
  expect(scope, x, scope.graph.shape(x).rank(), options_.in_features);
  return scope.graph.apply(nn::linear(), {x, constant(scope, "weight"),
                                          options_.bias ? constant(scope, "bias") : Value{}});
}

}  // namespace metalaudio::nn::layers
