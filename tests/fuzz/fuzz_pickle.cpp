#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/pickle.h>
#include <metalaudio/nn/io/torch_state.h>

#include <cstdint>
#include <span>
#include <vector>

// Any bytes as the data.pkl of a torch file, whose storages hold zeros.
namespace {

using namespace metalaudio;

class ZeroStorages : public nn::StorageSource {
 public:
  std::span<const std::byte> read(const nn::StorageId& storage) override {
    constexpr std::uint64_t kMaxCount = 1U << 16U;
    if (storage.count > kMaxCount) fail(ErrorCode::invalid_data, "missing");
    bytes_.resize(storage.count * size_of(storage.type));
    return bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    ZeroStorages storages;
    nn::build_state(nn::parse_pickle(std::as_bytes(std::span(data, size))), storages);
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}
