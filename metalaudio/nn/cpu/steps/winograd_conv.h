#pragma once

#include <metalaudio/nn/cpu/steps/conv.h>
#include <metalaudio/nn/cpu/winograd_kernels.h>

#include <optional>

namespace metalaudio::nn::cpu {

/// An axis of a convolution as a filter of few taps without strides: place i of it reads the inputs
/// in_stride · i + in_offset and in_stride - 1 behind, its result q is the outputs
/// out_stride · q + out_offset and out_stride - 1 behind, for q in [first, last).
struct WinogradAxis {
  std::int64_t in_stride = 1;
  std::int64_t in_offset = 0;
  std::int64_t out_stride = 1;
  std::int64_t out_offset = 0;
  std::int64_t first = 0;
  std::int64_t last = 1;
};

struct WinogradPlan {
  WinogradForm form;
  WinogradAxis rows;
  WinogradAxis positions;
};

/// How a convolution of three taps along one axis or two, or one, transposed or not, whose kernel is
/// twice its stride, goes by minimal filtering; nothing where that is not faster than a product for
/// every tap.
std::optional<WinogradPlan> plan_winograd(const Graph& graph, const ConvParts& parts);

/// What it errs is relative to the largest of the four (by four) values around a result, which are a
/// few more than the convolution itself reads, times the largest tap of the kernel. Where a result is not finite it is computed again tap
/// by tap, so that NaN and infinities reach no further than there. Null where weights have no finite
/// transform.
std::unique_ptr<Step> make_winograd_conv(const WinogradPlan& plan, const ConvParts& parts, Value y,
                                         StepMaker& maker);

}  // namespace metalaudio::nn::cpu
