#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/safetensors.h>
#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/io/state_reader.h>
#include <metalaudio/nn/io/stored_state.h>
#include <metalaudio/nn/io/torch_file.h>

#include <algorithm>
#include <map>
#include <new>

namespace metalaudio::nn {

namespace {

StoredState open(const std::filesystem::path& path) {
  constexpr std::uint64_t kHeadBytes = 64;
  const auto file = std::make_shared<const FileReader>(path);
  std::vector<std::byte> head(std::min(file->size(), kHeadBytes));
  file->read(0, head);
  if (is_torch_zip(head)) return open_torch_zip(file);
  if (is_torch_legacy(head)) return open_torch_legacy(std::make_shared<const FileBytes>(*file));
  if (may_be_safetensors(head, file->size())) {
    const auto read = [file](std::uint64_t first, std::span<std::byte> to) {
      file->read(first, to);
    };
    return open_safetensors({file->size(), read});
  }
  fail(ErrorCode::invalid_data, "neither a torch checkpoint nor a safetensors file");
}

template <typename Function>
auto naming_file(const std::filesystem::path& path, Function function) {
  try {
    return function();
  } catch (const Error& error) {
    fail(error.code(), "[load_state] {}: {}", path.string(), error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "[load_state] {}: not enough memory", path.string());
  }
}

}  // namespace

StateFile read_all(const StoredState& stored, const StateOptions& options) {
  StateFile file{{}, stored.metadata};
  if (options.part == StatePart::metadata) return file;
  for (const StoredTensor& tensor : stored.tensors) {
    Tensor& to = file.state[tensor.name] =
        Tensor(tensor.shape, options.keep_types ? tensor.type : DataType::f32);
    tensor.read(0, to);
  }
  return file;
}

StateFile load_state(const std::filesystem::path& path, const StateOptions& options) {
  return naming_file(path, [&] { return read_all(open(path), options); });
}

struct StateReader::Impl {
  explicit Impl(const std::filesystem::path& file)
      : path(file), stored(open(file)), outline{{}, stored.metadata} {
    for (const StoredTensor& tensor : stored.tensors) tensors.emplace(tensor.name, &tensor);
  }

  std::filesystem::path path;
  StoredState stored;
  StateFile outline;
  std::map<std::string, const StoredTensor*> tensors = {};
};

StateReader::StateReader(const std::filesystem::path& path)
    : impl_(naming_file(path, [&] { return std::make_unique<const Impl>(path); })) {}
StateReader::~StateReader() = default;

const StateFile& StateReader::outline() const noexcept { return impl_->outline; }

std::vector<std::string> StateReader::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : impl_->tensors) names.push_back(name);
  return names;
}

const Shape* StateReader::shape(const std::string& name) const {
  const auto found = impl_->tensors.find(name);
  return found == impl_->tensors.end() ? nullptr : &found->second->shape;
}

Tensor StateReader::read(const std::string& name, std::size_t first, const Shape& shape) const {
  return naming_file(impl_->path, [&] {
    Tensor tensor(shape, DataType::f32, Buffer::Content::anything);
    impl_->tensors.at(name)->read(first, tensor);
    return tensor;
  });
}

}  // namespace metalaudio::nn
