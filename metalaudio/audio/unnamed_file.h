#pragma once

#include <string>

namespace metalaudio::audio {

/// $TMPDIR, otherwise /var/tmp, since /tmp is often memory.
std::string temporary_folder();

/// A new file to read and write without a name, or one that loses its name at once where the file
/// system cannot: it goes with its descriptor, however the process ends.
/// Errors:   returns -1, with the reason in errno.
/// Threads:  any.
int open_unnamed_file(const std::string& folder);

}  // namespace metalaudio::audio
