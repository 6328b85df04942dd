// A graph of two operations, planned and run: use_nn
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/layers/functional.h>
#include <metalaudio/nn/plan.h>

using namespace metalaudio;

int main() {
  nn::Graph graph;
  const nn::Value x = graph.input("x", Shape{4});
  graph.output("y", nn::multiply(graph, nn::add(graph, x, x), x));
  nn::Plan plan(graph, {.backends = {nn::make_cpu_backend()}});
  for (float& v : plan.input("x").values_as<float>()) v = 3.0F;
  plan.run();
  return plan.output("y").values_as<float>()[3] == 18.0F ? 0 : 1;
}
