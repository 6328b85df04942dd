#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "program.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {

/// A folder with tiny seeded models in it, in which the program separates: `tiny` (8 kHz, segments
/// of half a second, drums, bass, other, vocals) and `bag`, four members of which each gives one
/// stem. The program sees no model outside it.
class SeparateSetting {
 public:
  SeparateSetting();

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    return folder_.write(name, content);
  }

  /// Runs `separate --repo models -n tiny` with more arguments, in the folder.
  ProgramResult separate(const std::vector<std::string>& arguments) const;
  std::vector<std::string> arguments(const std::vector<std::string>& more) const;
  ProgramSetting setting() const;

  /// The files below a folder, sorted, relative to it, less the records of how they were made.
  std::vector<std::string> files_below(const std::string& name) const;

 private:
  TestFolder folder_;
};

}  // namespace metalaudio::apps
