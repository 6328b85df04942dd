#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/onnx/node_test.h"

// onnx_node_runner [--absolute TOLERANCE] FOLDER...: one line for each, "PASS name" or
// "FAIL name: reason".
int main(int count, char** arguments) {
  int failed = 0;
  double absolute = 1e-7;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--absolute") == 0 && i + 1 < count) {
      absolute = std::atof(arguments[++i]);
      continue;
    }
    const std::filesystem::path folder(arguments[i]);
    const std::string reason = metalaudio::run_node_test(folder, 1e-3, absolute);
    failed += reason.empty() ? 0 : 1;
    std::printf("%s %s%s%s\n", reason.empty() ? "PASS" : "FAIL", folder.filename().c_str(),
                reason.empty() ? "" : ": ", reason.c_str());
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}
