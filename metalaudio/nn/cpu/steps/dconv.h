#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

/// The values of x + gain · glu(norm(conv1x1(gelu(norm(conv3(x)))))), one layer of
/// demucs.demucs.DConv, in which every row is normalised by itself.
struct DConvParts {
  Value x;
  Value weight1, bias1, gamma1, beta1;
  Value weight2, bias2, gamma2, beta2;
  Value gain;
  std::int64_t dilation = 1;
  float epsilon1 = 1e-5F;
  float epsilon2 = 1e-5F;
};

/// `threads` decides whether rows or the positions of one row are shared.
std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvParts& parts, Value y,
                                 std::size_t threads, StepMaker& maker);

}  // namespace metalaudio::nn::cpu
