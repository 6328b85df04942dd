#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/conv_layer.h>
#include <metalaudio/nn/layers/weight_order.h>

namespace metalaudio::nn::layers {

namespace {

/// Refuses sizes that no convolution has, and those that cannot be causal.
void check(const ConvSizes& sizes, bool transposed) {
  const auto refuse = [&](const std::string& reason) {
    fail(ErrorCode::invalid_argument, "[{}] {}", sizes.name(), reason);
  };
  if (sizes.in < 1 || sizes.out < 1 || sizes.groups < 1 || sizes.in % sizes.groups != 0 ||
      sizes.out % sizes.groups != 0) {
    refuse(fmt::format("{} and {} channels in {} groups", sizes.in, sizes.out, sizes.groups));
  }
  constexpr std::int64_t kMost = 1 << 24;
  for (std::size_t i = 0; i < sizes.kernel.size(); ++i) {
    const auto sound = [](std::int64_t n) { return n >= 1 && n <= kMost; };
    if (!sound(sizes.kernel[i]) || !sound(sizes.stride[i]) || !sound(sizes.dilation[i]) ||
        sizes.padding[i] < kSame || sizes.padding[i] > kMost) {
      refuse(fmt::format("axis {}: kernel {}, stride {}, dilation {}, padding {}", i,
                         sizes.kernel[i], sizes.stride[i], sizes.dilation[i], sizes.padding[i]));
    }
    const std::int64_t output_padding = transposed ? sizes.output_padding[i] : 0;
    if (output_padding < 0 ||
        (output_padding > 0 && output_padding >= std::max(sizes.stride[i], sizes.dilation[i]))) {
      refuse(fmt::format("axis {}: output_padding {} with stride {}", i, output_padding,
                         sizes.stride[i]));
    }
  }
  if (!sizes.causal) return;
  if (sizes.padding_mode != PadMode::constant) refuse("causal: the past is zeros, nothing else");
  if (transposed && (sizes.padding[0] != 0 || sizes.output_padding[0] != 0)) {
    refuse("causal: padding and output_padding of the first axis must be 0");
  }
  // An output may not need what comes after its own stride of frames.
  if (!transposed && sizes.padding[0] < sizes.reach(0) + 1 - sizes.stride[0]) {
    refuse(fmt::format("causal: padding {} before the first frame, at least {}", sizes.padding[0],
                       sizes.reach(0) + 1 - sizes.stride[0]));
  }
}

void append_kernel(const ConvSizes& sizes, std::vector<std::int64_t>* shape) {
  shape->insert(shape->end(), sizes.kernel.begin(), sizes.kernel.end());
}

}  // namespace

std::string ConvSizes::name() const {
  const auto list = [](const std::vector<std::int64_t>& sizes) {
    return sizes.size() == 1 ? fmt::format("{}", sizes[0])
                             : fmt::format("({})", fmt::join(sizes, ", "));
  };
  return fmt::format("{}({}, {}, kernel_size={}, stride={})", kind, in, out, list(kernel),
                     list(stride));
}

Value prepend_past(const Scope& scope, Value x, std::int64_t frames) {
  if (frames == 0) return x;
  Graph& graph = scope.graph;
  std::vector<std::int64_t> extents(graph.shape(x).extents().begin(),
                                    graph.shape(x).extents().end());
  const std::int64_t block = extents[1];
  extents[1] = frames;
  const Value past = graph.state(scope.path + ".past", Shape(extents));
  const Value whole = graph.apply(Concat{1}, {past, x});
  std::vector<std::int64_t> starts(extents.size(), 0);
  starts[1] = block;
  graph.update(past, graph.apply(Slice{starts, Shape(extents)}, {whole}));
  return whole;
}

ConvLayer::ConvLayer(ConvSizes sizes) : sizes_(std::move(sizes)) {
  if (sizes_.causal && sizes_.padding[0] == kSame) sizes_.padding[0] = sizes_.reach(0);
  check(sizes_, false);
  std::vector<std::int64_t> shape{sizes_.out, sizes_.in / sizes_.groups};
  append_kernel(sizes_, &shape);
  declare("weight", Shape(shape));
  if (sizes_.bias) declare("bias", {sizes_.out});
}

Value ConvLayer::with_past(const Scope& scope, Value x) const {
  const std::int64_t frames = scope.graph.shape(x)[1];
  if (scope.mode == Mode::sequence) expect_offline(scope);
  if (!sizes_.causal && (sizes_.padding[0] > 0 || sizes_.reach(0) + 1 > sizes_.stride[0])) {
    refuse(ErrorCode::unsupported, scope, "streaming needs causal = true");
  }
  if (frames % sizes_.stride[0] != 0) {
    refuse(ErrorCode::invalid_argument, scope, "a block of {} frames, expected a multiple of {}",
           frames, sizes_.stride[0]);
  }
  return prepend_past(scope, x, sizes_.causal ? sizes_.padding[0] : 0);
}

Value ConvLayer::pad(const Scope& scope, Value x) const {
  const Shape& shape = scope.graph.shape(x);
  Pad pad{std::vector<std::int64_t>(shape.rank()), std::vector<std::int64_t>(shape.rank()),
          sizes_.padding_mode};
  for (std::size_t i = 0; i < sizes_.kernel.size(); ++i) {
    const bool same = sizes_.padding[i] == kSame;
    pad.before[i + 1] = same ? sizes_.reach(i) / 2 : sizes_.padding[i];
    pad.after[i + 1] = same ? sizes_.reach(i) - sizes_.reach(i) / 2 : sizes_.padding[i];
    if (sizes_.padding_mode == PadMode::reflect && pad.after[i + 1] >= shape[i + 1]) {
      refuse(ErrorCode::invalid_argument, scope, "the input is {}: {} frames cannot be reflected",
             shape.to_string(), pad.after[i + 1]);
    }
  }
  return scope.graph.apply(pad, {x});
}

Value ConvLayer::do_write(const Scope& scope, Value x) const {
  expect(scope, x, sizes_.kernel.size() + 2, sizes_.in);
  const bool streaming = scope.mode != Mode::offline;
  if (streaming) x = with_past(scope, x);
  const bool padded = sizes_.padding_mode != PadMode::constant;
  if (padded) x = pad(scope, x);
  Conv conv{{}, sizes_.groups};
  for (std::size_t i = 0; i < sizes_.kernel.size(); ++i) {
    SlidingAxis axis{sizes_.kernel[i], sizes_.stride[i], sizes_.dilation[i]};
    const bool same = sizes_.padding[i] == kSame;
    const bool time = i == 0 && (sizes_.causal || streaming);
    if (!padded && !(time && streaming)) {
      axis.before = same ? sizes_.reach(i) / 2 : sizes_.padding[i];
      if (!time) axis.after = same ? sizes_.reach(i) - axis.before : sizes_.padding[i];
    }
    if (axis.output_extent(scope.graph.shape(x)[i + 1]) < 1) {
      refuse(ErrorCode::invalid_argument, scope, "the input is {}: shorter than the kernel",
             scope.graph.shape(x).to_string());
    }
    conv.axes.push_back(axis);
  }
  return scope.graph.apply(conv, {x, scope.graph.constant(channels_last(*parameter("weight"))),
                                  sizes_.bias ? constant(scope, "bias") : Value{}});
}

ConvTransposeLayer::ConvTransposeLayer(ConvSizes sizes) : sizes_(std::move(sizes)) {
  check(sizes_, true);
  std::vector<std::int64_t> shape{sizes_.in, sizes_.out / sizes_.groups};
  append_kernel(sizes_, &shape);
  declare("weight", Shape(shape));
  if (sizes_.bias) declare("bias", {sizes_.out});
}

Value ConvTransposeLayer::add(const Scope& scope, Value x, std::vector<TransposeAxis> axes) const {
  for (const TransposeAxis& axis : axes) {
    if (axis.extent < 1) {
      refuse(ErrorCode::invalid_argument, scope, "the input is {}: nothing would be left",
             scope.graph.shape(x).to_string());
    }
  }
  const Value weight =
      scope.graph.constant(transposed_channels_last(*parameter("weight"), sizes_.groups));
  return scope.graph.apply(ConvTranspose{std::move(axes), sizes_.groups},
                           {x, weight, sizes_.bias ? constant(scope, "bias") : Value{}});
}

Value ConvTransposeLayer::do_write(const Scope& scope, Value x) const {
  expect(scope, x, sizes_.kernel.size() + 2, sizes_.in);
  const std::int64_t frames = scope.graph.shape(x)[1];
  std::int64_t past = 0;
  if (scope.mode == Mode::sequence) expect_offline(scope);
  if (scope.mode == Mode::streaming) {
    if (!sizes_.causal) refuse(ErrorCode::unsupported, scope, "streaming needs causal = true");
    past = sizes_.reach(0) / sizes_.stride[0];
    x = prepend_past(scope, x, past);
  }
  std::vector<TransposeAxis> axes;
  for (std::size_t i = 0; i < sizes_.kernel.size(); ++i) {
    TransposeAxis axis{sizes_.kernel[i], sizes_.stride[i], sizes_.padding[i], 0,
                       sizes_.dilation[i]};
    axis.extent = axis.full_extent(scope.graph.shape(x)[i + 1]) - 2 * sizes_.padding[i] +
                  sizes_.output_padding[i];
    if (i == 0 && sizes_.causal) {
      axis.crop = sizes_.stride[0] * past;
      axis.extent = sizes_.stride[0] * frames;
    }
    axes.push_back(axis);
  }
  return add(scope, x, std::move(axes));
}

Value ConvTransposeLayer::write(const Scope& scope, Value x,
                                const std::vector<std::int64_t>& output_size) const {
  expect_offline(scope);
  expect(scope, x, sizes_.kernel.size() + 2, sizes_.in);
  scope.graph.set_label(scope.path);
  std::vector<TransposeAxis> axes;
  for (std::size_t i = 0; i < sizes_.kernel.size(); ++i) {
    TransposeAxis axis{sizes_.kernel[i], sizes_.stride[i], sizes_.padding[i], output_size.at(i),
                       sizes_.dilation[i]};
    const std::int64_t least =
        axis.full_extent(scope.graph.shape(x)[i + 1]) - 2 * sizes_.padding[i];
    if (axis.extent < least || axis.extent >= least + sizes_.stride[i]) {
      refuse(ErrorCode::invalid_argument, scope, "the input is {}: axis {} gives {} to {}, not {}",
             scope.graph.shape(x).to_string(), i, least, least + sizes_.stride[i] - 1, axis.extent);
    }
    axes.push_back(axis);
  }
  return add(scope, x, std::move(axes));
}

}  // namespace metalaudio::nn::layers
