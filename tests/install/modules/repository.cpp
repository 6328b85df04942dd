// Names the models that can be downloaded: use_repository
#include <metalaudio/repository/model_repository.h>

#include <cstdio>

int main() {
  for (const auto& model : metalaudio::repository::known_models()) std::puts(model.name.c_str());
  return metalaudio::repository::known_models().empty() ? 1 : 0;
}
