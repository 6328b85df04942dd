#pragma once

#include <filesystem>

namespace metalaudio {

/// tests/golden in the source tree.
const std::filesystem::path& golden_dir();

}  // namespace metalaudio
