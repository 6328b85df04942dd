// One segment of silence through a network: use_models CHECKPOINT
#include <metalaudio/models/load_model.h>

#include <cmath>
#include <vector>

using namespace metalaudio;

int main(int, char** argv) {
  ThreadPool pool(1);
  const auto network = models::load_model(argv[1], {}, pool);
  const std::vector<float> mix(network->channels() * network->segment_samples());
  std::vector<float> stems(network->sources().size() * mix.size());
  network->run(mix, stems);
  return std::isfinite(stems.back()) ? 0 : 1;
}
