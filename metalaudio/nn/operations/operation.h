#pragma once

#include <metalaudio/nn/operations/attention.h>
#include <metalaudio/nn/operations/binary.h>
#include <metalaudio/nn/operations/cast.h>
#include <metalaudio/nn/operations/concat.h>
#include <metalaudio/nn/operations/conv.h>
#include <metalaudio/nn/operations/conv_transpose.h>
#include <metalaudio/nn/operations/dft.h>
#include <metalaudio/nn/operations/expand.h>
#include <metalaudio/nn/operations/gather.h>
#include <metalaudio/nn/operations/group_norm.h>
#include <metalaudio/nn/operations/layer_norm.h>
#include <metalaudio/nn/operations/matmul.h>
#include <metalaudio/nn/operations/pad.h>
#include <metalaudio/nn/operations/pool.h>
#include <metalaudio/nn/operations/quantize.h>
#include <metalaudio/nn/operations/recurrent.h>
#include <metalaudio/nn/operations/reduce.h>
#include <metalaudio/nn/operations/reshape.h>
#include <metalaudio/nn/operations/resize.h>
#include <metalaudio/nn/operations/rms_norm.h>
#include <metalaudio/nn/operations/rotary.h>
#include <metalaudio/nn/operations/scan.h>
#include <metalaudio/nn/operations/scatter.h>
#include <metalaudio/nn/operations/slice.h>
#include <metalaudio/nn/operations/softmax.h>
#include <metalaudio/nn/operations/transpose.h>
#include <metalaudio/nn/operations/trilu.h>
#include <metalaudio/nn/operations/unary.h>
#include <metalaudio/nn/operations/where.h>

#include <span>
#include <string_view>
#include <variant>

namespace metalaudio::nn {

/// Every operation a graph may hold; the only list of them. A backend visits it, so that a kernel
/// that is missing does not compile, or says that it is not there.
using Operation =
    std::variant<ArgReduce, Attention, Binary, BitCast, Cast, Concat, Conv, ConvTranspose, CumSum,
                 Dequantize, Dft, Expand, Gather, GatherElements, GatherNd, Glu, GroupNorm, Gru,
                 LayerNorm, Lstm, MatMul, OneHot, Pad, Pool, Quantize, Reduce, Reshape, Resize,
                 RmsNorm, Rnn, Rotary, ScatterElements, ScatterNd, Slice, Softmax, Stft, TopK,
                 Transpose, Trilu, Unary, Where>;

/// "conv", or the function of an element-wise operation.
std::string_view name_of(const Operation& operation) noexcept;

/// What it does with its inputs, and whether there may be any number of them.
std::span<const Role> roles_of(const Operation& operation) noexcept;
bool is_variadic(const Operation& operation) noexcept;

/// The shapes and types of its results; throws Rejection.
ValueTypes infer(const Operation& operation, const Inputs& inputs);

}  // namespace metalaudio::nn
