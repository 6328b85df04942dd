#include <cstdio>
#include <cstring>

#include "tests/onnx/node_test.h"

// onnx_node_runner FOLDER...: one line for each, "PASS name" or "FAIL name: reason".
int main(int count, char** arguments) {
  int failed = 0;
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path folder(arguments[i]);
    const std::string reason = metalaudio::run_node_test(folder);
    failed += reason.empty() ? 0 : 1;
    std::printf("%s %s%s%s\n", reason.empty() ? "PASS" : "FAIL", folder.filename().c_str(),
                reason.empty() ? "" : ": ", reason.c_str());
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}
