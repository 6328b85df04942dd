#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/padding.h>

namespace metalaudio::nn::layers {

Value Padding::do_write(const Scope& scope, Value x) const {
  const Shape& shape = scope.graph.shape(x);
  const std::size_t axes = options_.before.size();
  if (shape.rank() != axes + 2 || options_.after.size() != axes) {
    refuse(ErrorCode::invalid_argument, scope, "the input is {}, expected {} axes",
           shape.to_string(), axes + 2);
  }
  if (axes > 0 && (options_.before[0] != 0 || options_.after[0] != 0)) expect_offline(scope);
  Pad pad{std::vector<std::int64_t>(shape.rank()), std::vector<std::int64_t>(shape.rank()),
          options_.mode, options_.value};
  for (std::size_t i = 0; i < axes; ++i) {
    pad.before[i + 1] = options_.before[i];
    pad.after[i + 1] = options_.after[i];
    const std::int64_t widest = std::max(options_.before[i], options_.after[i]);
    if (options_.mode == PadMode::reflect && widest >= shape[i + 1]) {
      refuse(ErrorCode::invalid_argument, scope, "the input is {}: {} cannot be reflected",
             shape.to_string(), widest);
    }
  }
  return scope.graph.apply(pad, {x});
}

}  // namespace metalaudio::nn::layers
