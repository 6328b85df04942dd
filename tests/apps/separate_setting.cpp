#include <algorithm>

#include "separate_setting.h"
#include "tests/support/test_paths.h"

namespace metalaudio::apps {

namespace fs = std::filesystem;

SeparateSetting::SeparateSetting() {
  fs::create_directories(folder_ / "models");
  const fs::path golden = golden_dir() / "htdemucs/htdemucs.model.safetensors";
  fs::copy_file(golden, folder_ / "models/tiny.safetensors");
  for (const char* name : {"one", "two", "three"})
    fs::copy_file(golden, folder_ / ("models/" + std::string(name) + ".safetensors"));
  folder_.write("models/bag.yaml",
                "models: ['one', 'two', 'three', 'tiny']\n"
                "weights: [[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]\n");
}

std::vector<std::string> SeparateSetting::arguments(const std::vector<std::string>& more) const {
  std::vector<std::string> all = {"separate", "--repo", "models", "--threads", "1"};
  if (std::find(more.begin(), more.end(), "-n") == more.end()) {
    all.emplace_back("-n");
    all.emplace_back("tiny");
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

ProgramSetting SeparateSetting::setting() const {
  return {folder_.path(), {{"XDG_DATA_HOME", (folder_ / "data").string()}}, 0};
}

ProgramResult SeparateSetting::separate(const std::vector<std::string>& more) const {
  return run_program(arguments(more), setting());
}

std::vector<std::string> SeparateSetting::files_below(const std::string& name) const {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / name, ignored))
    if (!entry.is_directory() && !(entry.path().parent_path().filename() == ".metalaudio" &&
                                   entry.path().extension() == ".json"))
      files.push_back(entry.path().lexically_relative(folder_ / name).string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace metalaudio::apps
