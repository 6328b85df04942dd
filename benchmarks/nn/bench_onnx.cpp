// bench_onnx MODEL.onnx [state OUT=IN | bind NAME=NUMBER | dimension SYMBOL=EXTENT]... [profile]:
// compiles the model, then answers each number on standard input with the nanoseconds of as many
// steps, so that run.py can alternate it with a peer.
#include <fmt/format.h>
#include <metalaudio/nn/graph_inference.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace metalaudio {
namespace {

/// A model with inputs of noise. Its linked states run on by themselves.
class Model {
 public:
  Model(const std::string& path, const nn::GraphInferenceOptions& options) : model_(path, options) {
    std::mt19937 random(5);
    std::uniform_real_distribution<float> uniform(-0.1F, 0.1F);
    for (const nn::GraphPort& port : model_.inputs())
      given_.emplace_back(port.type.shape, port.type.type);
    for (const nn::GraphPort& port : model_.outputs())
      results_.emplace_back(port.type.shape, port.type.type);
    for (Tensor& tensor : given_) {
      for (float& value : tensor.values()) value = uniform(random);
      inputs_.push_back(tensor.view());
    }
    for (Tensor& tensor : results_) outputs_.push_back(tensor.view());
  }

  void step() noexcept { model_.predict(inputs_, outputs_); }
  /// Median nanoseconds of each step of the plan, by the kind of step and one by one.
  void print_profile();

 private:
  nn::GraphInference model_;
  std::vector<Tensor> given_;
  std::vector<Tensor> results_;
  std::vector<ConstTensorView> inputs_;
  std::vector<TensorView> outputs_;
};

void Model::print_profile() {
  std::vector<std::vector<double>> times;
  nn::PlanReport report;
  for (int run = 0; run < 101; ++run) {
    step();
    report = model_.profile();
    times.resize(report.steps.size());
    for (std::size_t i = 0; i < times.size(); ++i)
      times[i].push_back(report.steps[i].milliseconds * 1e6);
  }
  std::map<std::string, std::pair<int, double>> kinds;
  double all = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    std::ranges::nth_element(times[i], times[i].begin() + 50);
    const nn::StepReport& step = report.steps[i];
    fmt::print("{:9.0f} ns  {:<32} {:<24} {}\n", times[i][50], step.kind, step.result, step.label);
    auto& [count, sum] = kinds[step.kind];
    ++count;
    sum += times[i][50];
    all += times[i][50];
  }
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [kind, sum] : kinds)
    sorted.emplace_back(sum.second, fmt::format("{} x {}", sum.first, kind));
  std::ranges::sort(sorted, std::greater<>());
  for (const auto& [sum, text] : sorted) fmt::print("{:9.0f} ns  {}\n", sum, text);
  fmt::print("{:9.0f} ns  {} steps\n", all, times.size());
}

int run(const std::vector<std::string>& words) {
  nn::GraphInferenceOptions options;
  bool profile = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "profile") {
      profile = options.timing = true;
      continue;
    }
    const std::string& text = words.at(i + 1);
    const std::string name = text.substr(0, text.find('='));
    const std::string value = text.substr(text.find('=') + 1);
    if (words[i] == "state") options.link_state(name, value);
    if (words[i] == "bind") options.bind_constant(name, std::stod(value));
    if (words[i] == "dimension") options.fix_dimension(name, std::stoll(value));
    ++i;
  }
  Model model(words.at(0), options);
  if (profile) {
    model.print_profile();
    return 0;
  }
  std::cout << "ready" << std::endl;
  std::vector<double> times;
  for (std::string line; std::getline(std::cin, line);) {
    using Clock = std::chrono::steady_clock;
    times.resize(std::stoul(line));
    for (double& time : times) {
      const auto start = Clock::now();
      model.step();
      time = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    }
    std::string answer;
    for (const double time : times) answer += fmt::format("{:.0f} ", time);
    std::cout << answer << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace metalaudio

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "usage: bench_onnx MODEL.onnx [state OUT=IN | bind NAME=NUMBER | dimension "
                 "SYMBOL=EXTENT]... [profile]\n";
    return 2;
  }
  return metalaudio::run({argv + 1, argv + argc});
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
