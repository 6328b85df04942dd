// The product kernel beside oneDNN's, one thread, on the sizes of HTDemucs: prints GFLOP/s of both.
#include <fmt/format.h>
#include <metalaudio/nn/cpu/gemm/gemm.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Size {
  const char* name;
  std::size_t rows, depth, columns;
};

double seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<float> noise(std::size_t size) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& v : values) v = normal(generator);
  return values;
}

/// oneDNN's matmul with weights in the layout it likes best.
class OneDnnProduct {
 public:
  OneDnnProduct(const Size& size, std::vector<float>& x, std::vector<float>& w,
                std::vector<float>& y)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const auto m = static_cast<dnnl::memory::dim>(size.rows);
    const auto k = static_cast<dnnl::memory::dim>(size.depth);
    const auto n = static_cast<dnnl::memory::dim>(size.columns);
    using Memory = dnnl::memory;
    const auto f32 = Memory::data_type::f32;
    const Memory::desc x_desc({m, k}, f32, Memory::format_tag::ab);
    const Memory::desc w_desc({k, n}, f32, Memory::format_tag::ba);
    const Memory::desc y_desc({m, n}, f32, Memory::format_tag::ab);
    const dnnl::matmul::primitive_desc primitive(
        {x_desc, Memory::desc({k, n}, f32, Memory::format_tag::any), y_desc}, engine_);
    Memory packed(primitive.weights_desc(), engine_);
    Memory plain(w_desc, engine_, w.data());
    dnnl::reorder(plain, packed).execute(stream_, plain, packed);
    product_ = dnnl::matmul(primitive);
    arguments_ = {{DNNL_ARG_SRC, Memory(x_desc, engine_, x.data())},
                  {DNNL_ARG_WEIGHTS, packed},
                  {DNNL_ARG_DST, Memory(y_desc, engine_, y.data())}};
  }

  void run() {
    product_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul product_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

void race(const Size& size) {
  using namespace metalaudio::nn::cpu;
  std::vector<float> x = noise(size.rows * size.depth);
  std::vector<float> w = noise(size.columns * size.depth);
  std::vector<float> ours(size.rows * size.columns);
  std::vector<float> theirs(ours.size());
  const GemmKernel& kernel = gemm_kernel(metalaudio::nn::Precision::fp32);
  const PackedMatrix packed(kernel, w, {}, {size.columns, size.depth, false});
  constexpr std::size_t kBlock = 96;
  GemmScratch scratch;
  scratch.reserve(kernel.needs(packed.size(), 1, kBlock, size.depth));
  const auto stride = static_cast<std::ptrdiff_t>(size.depth);
  const auto run_ours = [&] {
    for (std::size_t first = 0; first < size.rows; first += kBlock) {
      const std::size_t rows = std::min(kBlock, size.rows - first);
      const GemmTap tap{x.data() + first * size.depth, stride, 0, static_cast<std::ptrdiff_t>(rows),
                        0};
      packed.multiply(
          {&tap, 1}, size.depth, rows, scratch,
          {ours.data() + first * size.columns, static_cast<std::ptrdiff_t>(size.columns)});
    }
  };
  OneDnnProduct one_dnn(size, x, w, theirs);
  std::vector<double> a;
  std::vector<double> b;
  for (int round = 0; round < 9; ++round) {
    a.push_back(seconds(run_ours));
    b.push_back(seconds([&] { one_dnn.run(); }));
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const double work = 2e-9 * static_cast<double>(size.rows * size.depth * size.columns);
  fmt::print("{:<24} {:6} {:6} {:6}  ours {:7.1f}  oneDNN {:7.1f} GFLOP/s  ratio {:.2f}\n",
             size.name, size.rows, size.depth, size.columns, work / a[4], work / b[4], b[4] / a[4]);
}

}  // namespace

int main() {
  omp_set_num_threads(1);
  for (const Size& size :
       {Size{"transformer ffn up", 2688, 512, 2048}, Size{"transformer ffn down", 2688, 2048, 512},
        Size{"transformer projection", 2688, 384, 384}, Size{"attention scores", 2688, 64, 2688},
        Size{"attention values", 2688, 2688, 64}, Size{"3x3 rewrite, level 1", 43008, 864, 192},
        Size{"3x3 rewrite, level 3", 2688, 3456, 768}, Size{"encoder level 0", 172032, 32, 48},
        Size{"dconv squeeze", 86016, 144, 6}}) {
    race(size);
  }
}
