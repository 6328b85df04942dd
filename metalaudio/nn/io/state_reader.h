#pragma once

#include <metalaudio/nn/io/state_file.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// A file of trained weights, as load_state() reads them, that gives its tensors one at a time: so
/// a network can be made of it without a second copy of all of them.
/// Errors:   the constructor and read() throw what load_state() throws.
/// Threads:  a constant once made; read() from any thread.
class StateReader {
 public:
  explicit StateReader(const std::filesystem::path& path);
  ~StateReader();
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  /// The file without its tensors: its metadata.
  const StateFile& outline() const noexcept;
  std::vector<std::string> names() const;
  /// Null for a tensor that is not there.
  const Shape* shape(const std::string& name) const;
  /// Elements of a tensor that is there, from one on in row-major order, as float32 of `shape`.
  Tensor read(const std::string& name, std::size_t first, const Shape& shape) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace metalaudio::nn
