#pragma once

#include <metalaudio/core/device_properties.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace metalaudio {

class Accelerator;
class Pipeline;
struct PipelineSource;
struct ToleranceConfiguration;

/// A place with memory and an order of execution. The only general virtual seam of the library:
/// what runs there belongs to each operation, not to the device. Its memory is named by handles,
/// which are addresses only where properties().host_memory says so; a place in it is a handle and
/// an offset in bytes, since some GPUs' buffers have no address.
/// Errors:   allocate throws Error{out_of_memory}; the copies, clear and synchronize throw
///           Error{backend_unavailable} when the device was lost.
/// Threads:  any; a stream runs its work in the order it was given.
class AudioDevice {
 public:
  virtual ~AudioDevice() = default;

  virtual const DeviceProperties& properties() const noexcept = 0;
  /// At least `bytes` bytes, 64-byte aligned, of any content.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void deallocate(void* handle) noexcept = 0;
  virtual void clear(void* handle, std::size_t offset, std::size_t bytes) = 0;
  /// From the host's memory; returns once `host` may be reused.
  virtual void upload(void* handle, std::size_t offset, const void* host, std::size_t bytes) = 0;
  /// To the host's memory; returns once the bytes are there.
  virtual void download(void* host, const void* handle, std::size_t offset, std::size_t bytes) = 0;
  /// Between two places of this device that do not overlap.
  virtual void copy(void* to, std::size_t to_offset, const void* from, std::size_t from_offset,
                    std::size_t bytes) = 0;
  /// Returns when all work given to the stream is done.
  virtual void synchronize() = 0;
  /// The device's own handle (a cudaStream_t); null where work runs on the calling thread.
  virtual void* stream() const noexcept = 0;
  /// What a GPU can do beside this; null where work runs on the calling thread.
  virtual Accelerator* accelerator() noexcept { return nullptr; }

  /// Compiles a kernel of one's own for this device; the same one again is the one that is there.
  /// Without a GPU, or a compiler for it, it is the function for the CPU.
  /// Errors:   throws Error{invalid_argument} with the compiler's log on a source that does not
  ///           compile, and Error{backend_unavailable} where there is nothing to run here.
  std::shared_ptr<const Pipeline> pipeline(const PipelineSource& source);
  /// Whether work on so many values pays on this GPU as hot, as short of memory and of power as it
  /// and the machine are now; never on the CPU. For constructors: it reads files.
  bool should_use_gpu(std::size_t size, const ToleranceConfiguration& tolerances);
};

/// Every device that answers now; the CPU comes first and is always there.
std::vector<DeviceProperties> list_devices();

/// Opens a device; DeviceType::automatic takes a GPU where one answers, otherwise the CPU.
/// Errors:   throws Error{backend_unavailable} where there is none of that type and index.
std::shared_ptr<AudioDevice> open_device(DeviceType type, int index = 0);

}  // namespace metalaudio
