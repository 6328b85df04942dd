#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio::separation {

/// The files that a run reads and those that it will write, so that it can be refused before any
/// work where one would destroy another: an output that is an input, by whatever name or link, or
/// that is another output, a folder, a device, or a link to nothing.
/// Threads:  one.
class RunFiles {
 public:
  void add_input(const std::filesystem::path& file);

  /// Why these cannot be written, as one line; empty where they can: then they are `owner`'s.
  std::string claim(const std::vector<std::filesystem::path>& outputs, const std::string& owner);

  /// The same for an output whose folder has to be there already, named as in `option`.
  /// Errors:   throws Error{invalid_argument}; Error{io} where the folder is missing.
  void require(const std::string& option, const std::filesystem::path& output);

 private:
  using FileId = std::pair<std::uintmax_t, std::uintmax_t>;  // device, inode

  std::string problem(const std::filesystem::path& output) const;

  std::map<FileId, std::filesystem::path> inputs_;
  std::map<std::filesystem::path, std::string> outputs_;  // by their place, with the owner's name
};

/// Why this cannot be read as a file: a folder, a pipe, a device; empty where it can, or where
/// nothing is there: whoever opens it says so.
std::string input_problem(const std::filesystem::path& file);

}  // namespace metalaudio::separation
