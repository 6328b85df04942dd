#pragma once

#include <span>
#include <string>
#include <vector>

namespace metalaudio::audio {

/// Folders for files without a name, best first: $TMPDIR alone where it is set; otherwise /var/tmp,
/// then /tmp, which is often memory, `beside` and the current folder, as a container may let none
/// but one be written to.
std::vector<std::string> temporary_folders(const std::string& beside = {});

struct UnnamedFile {
  int file = -1;
  std::string folder = {};  ///< in which it is
};

/// A new file to read and write without a name, or one that loses its name at once where the file
/// system cannot: it goes with its descriptor, however the process ends. It lies in the first of the
/// folders that takes one.
/// Errors:   gives the file -1 and the first folder, with the reason of that one in errno.
/// Threads:  any.
UnnamedFile open_unnamed_file(std::span<const std::string> folders);

}  // namespace metalaudio::audio
