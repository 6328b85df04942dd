#pragma once

#include <string>
#include <vector>

namespace metalaudio::apps {

struct LibraryVersion {
  std::string name;
  std::string version;
};

/// The libraries that the program is linked to, as they are at run time where they tell, otherwise
/// as they were when it was built.
std::vector<LibraryVersion> library_versions();

/// The commit that this was built from: "0123456789ab (2026-01-31), modified", or "unknown".
const char* commit_text();

/// What --version prints: the version, the commit, and the libraries.
std::string version_text();

}  // namespace metalaudio::apps
