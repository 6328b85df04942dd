#pragma once

#include <string>
#include <vector>

namespace metalaudio::apps {

struct LibraryVersion {
  std::string name;
  std::string version;
};

/// The libraries that decide what the program can read and how fast it is, as they are at run time.
std::vector<LibraryVersion> library_versions();

}  // namespace metalaudio::apps
