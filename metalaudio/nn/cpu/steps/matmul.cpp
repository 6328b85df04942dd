#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/strides.h>

#include <array>

namespace metalaudio::nn::cpu {

namespace {

/// a[batch][m][k] · b[batch][k][n] with the batches of both repeated to the result's.
struct Extents {
  Extents(const Shape& a, const Shape& b, const Shape& y) {
    depth = a.back();
    rows = a.rank() > 1 ? a[a.rank() - 2] : 1;
    columns = b.rank() > 1 ? b.back() : 1;
    const std::size_t axes = y.rank() - (a.rank() > 1 ? 1U : 0U) - (b.rank() > 1 ? 1U : 0U);
    const Shape full(y.extents().first(axes));
    const auto batch_of = [](const Shape& shape) {
      return Shape(shape.extents().first(shape.rank() > 2 ? shape.rank() - 2 : 0));
    };
    batches = full.size();
    nest = {full, {broadcast_strides(batch_of(a), full), broadcast_strides(batch_of(b), full)}};
    // Where b is the same for all, the batches of a are as good as more rows.
    if (batch_of(b).size() == 1 && batch_of(a) == full) {
      rows *= batches;
      batches = 1;
      nest = {Shape{}, {Strides{}, Strides{}}};
    }
  }

  std::int64_t rows = 1;
  std::int64_t depth = 1;
  std::int64_t columns = 1;
  std::int64_t batches = 1;
  LoopNest<2> nest;  ///< of the matrices of a and of b
};

Extents extents_of(const Graph& graph, const Node& node) {
  return {graph.shape(node.inputs[MatMul::a]), graph.shape(node.inputs[MatMul::b]),
          graph.shape(node.results[0])};
}

/// Float32 through the product kernels; b is packed while planning where it is constant, otherwise
/// in every run.
class MatMulStep final : public CpuStep {
 public:
  MatMulStep(const GemmKernel& kernel, const Extents& extents, const Node& node, StepMaker& maker)
      : kernel_(kernel),
        extents_(extents),
        size_{static_cast<std::size_t>(extents.columns), static_cast<std::size_t>(extents.depth),
              false},
        a_(maker.slot(node.inputs[MatMul::a])),
        y_(maker.slot(node.results[0])) {
    const Value b = node.inputs[MatMul::b];
    if (packs_matrix(maker.graph(), node)) {
      maker.will_keep(kernel.packed_bytes(size_));
      const Array<float> matrix = floats_of(maker.graph(), b);
      packed_ = Array<std::byte>(kernel.packed_bytes(size_));
      kernel.pack(view(matrix.data()), size_, nullptr, packed_.data());
    } else {
      b_ = maker.slot(b);
      run_packed_ = maker.temporary(kernel.packed_bytes(size_));
    }
  }

  void run(const CpuRun& run) const noexcept override {
    if (extents_.batches == 0) return;
    std::int64_t batch = 0;
    extents_.nest.for_runs(0, extents_.nest.runs(), [&](const std::array<std::int64_t, 2>& at) {
      const auto count = static_cast<std::int64_t>(extents_.nest.run_size());
      for (std::int64_t i = 0; i < count; ++i) {
        multiply(run, batch++, at[0] + i * extents_.nest.run_stride(0),
                 at[1] + i * extents_.nest.run_stride(1));
      }
    });
  }

  ScratchNeeds scratch() const noexcept override {
    return {0, kernel_.needs(size_, 1, kBlockRows, size_.depth)};
  }

 private:
  MatrixView view(const float* b) const { return {b, 1, extents_.columns}; }

  void multiply(const CpuRun& run, std::int64_t batch, std::int64_t a,
                std::int64_t b) const noexcept {
    const std::byte* matrix = packed_.data();
    if (b_.index >= 0) {
      auto* to = run.at<std::byte>(run_packed_);
      kernel_.pack(view(run.at<const float>(b_) + b * extents_.depth * extents_.columns), size_,
                   nullptr, to);
      matrix = to;
    }
    const float* from = run.at<const float>(a_) + a * extents_.rows * extents_.depth;
    float* to = run.at(y_) + batch * extents_.rows * extents_.columns;
    run.workers.parallel_rows(static_cast<std::size_t>(extents_.rows), kernel_.tile_rows(),
                              [&](std::size_t first, std::size_t n, ThreadScratch& scratch) {
                                const auto row = static_cast<std::int64_t>(first);
                                const GemmTap tap{from + row * extents_.depth, extents_.depth, 0,
                                                  static_cast<std::ptrdiff_t>(n), 0};
                                kernel_.multiply({&tap, 1}, size_.depth, n, matrix, size_,
                                                 scratch.gemm,
                                                 {to + row * extents_.columns, extents_.columns});
                              });
  }

  const GemmKernel& kernel_;
  Extents extents_;
  MatrixSize size_;
  Slot a_;
  Slot b_;
  Slot y_;
  Slot run_packed_;
  Array<std::byte> packed_;
};

/// Float64 and integers, which wrap, in plain loops.
class PlainMatMulStep final : public CpuStep {
 public:
  PlainMatMulStep(const Extents& extents, const Node& node, StepMaker& maker)
      : extents_(extents),
        type_(maker.graph().type(node.results[0]).type),
        a_(maker.slot(node.inputs[MatMul::a])),
        b_(maker.slot(node.inputs[MatMul::b])),
        y_(maker.slot(node.results[0])) {}

  void run(const CpuRun& run) const noexcept override {
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      if constexpr (std::is_integral_v<T> ? !std::is_same_v<T, bool> : std::is_same_v<T, double>) {
        std::int64_t batch = 0;
        extents_.nest.for_runs(0, extents_.nest.runs(), [&](const std::array<std::int64_t, 2>& at) {
          const auto count = static_cast<std::int64_t>(extents_.nest.run_size());
          for (std::int64_t i = 0; i < count && extents_.batches > 0; ++i) {
            const std::int64_t a = at[0] + i * extents_.nest.run_stride(0);
            const std::int64_t b = at[1] + i * extents_.nest.run_stride(1);
            multiply(run.at<const T>(a_) + a * extents_.rows * extents_.depth,
                     run.at<const T>(b_) + b * extents_.depth * extents_.columns,
                     run.at<T>(y_) + batch++ * extents_.rows * extents_.columns);
          }
        });
      }
    });
  }

 private:
  template <typename T>
  void multiply(const T* a, const T* b, T* y) const noexcept {
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    for (std::int64_t m = 0; m < extents_.rows; ++m) {
      for (std::int64_t n = 0; n < extents_.columns; ++n) {
        Sum sum{};
        for (std::int64_t k = 0; k < extents_.depth; ++k) {
          sum += static_cast<Sum>(a[m * extents_.depth + k]) *
                 static_cast<Sum>(b[k * extents_.columns + n]);
        }
        y[m * extents_.columns + n] = static_cast<T>(sum);
      }
    }
  }

  Extents extents_;
  DataType type_;
  Slot a_;
  Slot b_;
  Slot y_;
};

/// Float32 in tiles where a matrix of a fills them: by its own rows, so that how many batches there
/// are does not change results.
const GemmKernel& kernel_for(const GemmKernel& kernel, const Shape& a, const Extents& extents) {
  if (kernel.name() != "fp32" || a.rank() < 2) return kernel;
  return float32_kernel(
      kernel,
      {static_cast<std::size_t>(extents.columns), static_cast<std::size_t>(extents.depth), false},
      static_cast<std::size_t>(a[a.rank() - 2]));
}

}  // namespace

bool packs_matrix(const Graph& graph, const Node& node) {
  return graph.type(node.results[0]).type == DataType::f32 &&
         graph.is_constant(node.inputs[MatMul::b]) && extents_of(graph, node).batches == 1;
}

std::unique_ptr<Step> make_matmul(const GemmKernel& kernel, const Node& node, StepMaker& maker) {
  const Graph& graph = maker.graph();
  const Extents extents = extents_of(graph, node);
  if (graph.type(node.results[0]).type == DataType::f32) {
    const Shape& a = graph.shape(node.inputs[MatMul::a]);
    return std::make_unique<MatMulStep>(kernel_for(kernel, a, extents), extents, node, maker);
  }
  return std::make_unique<PlainMatMulStep>(extents, node, maker);
}

}  // namespace metalaudio::nn::cpu
