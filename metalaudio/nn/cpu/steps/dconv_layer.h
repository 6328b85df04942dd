#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/half_windows.h>
#include <metalaudio/nn/fusion/dconv.h>

#include <vector>

namespace metalaudio::nn::cpu {

/// What a row of positions leads to in a layer, each part where the layer has its place for it.
struct DConvWork {
  float* scale1;  ///< of the first normalisation, per hidden channel
  float* shift1;
  float* pivot;   ///< near the means of the activated hidden values
  float* scale2;  ///< of the second normalisation and the gain, per column
  float* shift2;
};

/// One layer x + gain · glu(norm(conv1x1(h))), h = gelu(norm(conv3(x))), in the parts that a step
/// calls for blocks of at most kBlockRows positions of a row. The moments of the second
/// convolution's wide result follow from the sums of h and of h hᵀ; then the normalisation is a
/// factor and an offset on the product's way to the gate.
/// Hidden values lie as dconv_kernels.h says, kBlockRows apart. Vectors multiply them, or the tiles
/// of the kernel where there are enough of them. With one part in the tiles of AMX x
/// and y may be bfloat16, which the tiles read where it lies.
class DConvLayer {
 public:
  DConvLayer(const GemmKernel& kernel, const DConvParts& parts, const Graph& graph);

  /// Far taps would need more room for transposed positions than a block has.
  static constexpr bool fits_vectors(std::size_t dilation) noexcept {
    return dilation <= kBlockRows;
  }
  std::size_t hidden() const noexcept { return hidden_; }
  std::size_t dilation() const noexcept { return dilation_; }
  std::size_t weight_bytes() const noexcept;
  ScratchNeeds scratch() const noexcept;
  std::size_t work_floats() const noexcept;
  DConvWork work_at(float* at) const noexcept;
  /// Of one block: Σ h and Σ h hᵀ around the pivot.
  std::size_t sums() const noexcept { return hidden_ * (hidden_ + 1); }

  /// hidden = conv3 at positions [first, first + count) of a row of so many.
  void convolve(const PositionsRow& row, std::size_t first, std::size_t count,
                ThreadScratch& scratch, float* hidden) const noexcept;
  Moments moments_of(const float* hidden, std::size_t count) const noexcept;
  /// The first normalisation of a row, and the pivot from its first block.
  void fold_first(const Moments& moments, const float* hidden, std::size_t count,
                  ThreadScratch& scratch, const DConvWork& work) const noexcept;
  /// hidden = h, and adds to the sums.
  void activate(float* hidden, std::size_t count, const DConvWork& work, ThreadScratch& scratch,
                double* sums) const noexcept;
  /// The second normalisation, from the sums over a row.
  void fold_second(const double* sums, std::size_t positions, const DConvWork& work) const noexcept;
  /// y = x + gain · glu(norm(conv1x1(h))); y may be x. Of halves each may be of either type.
  void finish(const float* hidden, std::size_t count, const DConvWork& work, ThreadScratch& scratch,
              Numbers x, Numbers y) const noexcept;

 private:
  enum class Way { vectors, tiles, halves };

  static Way way_for(const GemmKernel& kernel, std::size_t hidden, std::size_t dilation);
  void sum_up_weights();
  void pack_halves(const GemmKernel& kernel, const Array<float>& weight1,
                   const Array<float>& bias1);
  void convolve_halves(const PositionsRow& row, std::size_t first, std::size_t count,
                       ThreadScratch& scratch, float* hidden) const noexcept;
  void finish_halves(const float* hidden, std::size_t count, const DConvWork& work,
                     ThreadScratch& scratch, Numbers x, Numbers y) const noexcept;
  void pack(const GemmKernel& kernel, const Array<float>& weight1, const Array<float>& bias1);
  Moments moments_of_result(const double* sums, std::size_t positions,
                            const float* pivot) const noexcept;
  std::size_t columns2() const noexcept;

  std::size_t channels_ = 0;
  std::size_t hidden_ = 0;
  std::size_t dilation_ = 1;
  double epsilon1_ = 0;
  double epsilon2_ = 0;
  Way way_ = Way::vectors;
  Windows windows_;  ///< of halves
  Array<float> gamma1_, beta1_, gamma2_, beta2_, gain_, weight2_, bias2_;
  Array<float> packed1_, packed2_;  ///< for vectors
  PackedMatrix matrix1_, matrix2_;  ///< for the kernel
  ScratchNeeds tile_needs_;
  std::vector<double> weight_products_;  ///< Wᵀ W of the second convolution
  std::vector<double> weight_biases_;    ///< Wᵀ b
  std::vector<double> weight_sums_;
  double bias_sum_ = 0;
  double bias_squares_ = 0;
};

}  // namespace metalaudio::nn::cpu
