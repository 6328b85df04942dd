#pragma once

namespace metalaudio::nn {

/// Names one value of a graph. An index of -1 is an optional input that is absent.
struct Value {
  int index = -1;

  bool present() const noexcept { return index >= 0; }
  friend bool operator==(Value, Value) = default;
};

}  // namespace metalaudio::nn
