#include "tests/support/test_paths.h"

namespace metalaudio {

const std::filesystem::path& golden_dir() {
  static const std::filesystem::path kPath =
      std::filesystem::path(METALAUDIO_SOURCE_DIR) / "tests" / "golden";
  return kPath;
}

}  // namespace metalaudio
