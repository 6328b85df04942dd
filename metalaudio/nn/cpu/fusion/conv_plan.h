#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/cpu/steps/conv.h>
#include <metalaudio/nn/fusion/matcher.h>

#include <string>
#include <vector>

namespace metalaudio::nn::cpu {

/// Gathers what stands behind a convolution, as long as the kernels can do it on the way out. Takes
/// the convolution's node and theirs.
class Epilogue {
 public:
  Epilogue(Matcher& matcher, int node, std::size_t axes, bool glu);

  ConvEpilogue parts;
  std::string kind;
  std::vector<int> nodes;
  Value y() const noexcept { return y_; }

 private:
  void take(int node);
  void activation();
  void gain();
  void residual();

  Matcher& matcher_;
  std::size_t axes_;
  bool glu_;
  Value y_;
};

/// A convolution, transposed or not, with what was fused behind it, and its step but how it is made.
struct ConvPlan {
  ConvParts parts;
  StepPlan plan;
};
/// Takes the nodes. `usual` multiplies where no other kernel is better.
ConvPlan plan_conv(Matcher& matcher, int node, const GemmKernel& usual, bool fuse = true);

}  // namespace metalaudio::nn::cpu
