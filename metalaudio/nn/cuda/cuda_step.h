#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/precision.h>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::nn::cuda {

/// What a step sees while it runs: where its slots lie, and the stream to launch on.
class CudaRun {
 public:
  CudaRun(std::span<const SlotAddress> slots, cudaStream_t on) : stream(on), slots_(slots) {}

  /// A device pointer; null for the slot of an absent input.
  template <typename T = void>
  T* at(Slot slot) const noexcept {
    if (slot.index < 0) return nullptr;
    // The memory of a CUDA device is named by addresses, which only the device can use.
    return reinterpret_cast<T*>(slots_[static_cast<std::size_t>(slot.index)].host());
  }

  cudaStream_t stream;

 private:
  std::span<const SlotAddress> slots_;
};

/// A step of a GPU: it launches kernels and returns. A launch that fails is found by the runner,
/// which asks for the last error of the thread.
class CudaStep : public Step {
 public:
  virtual void run(const CudaRun& run) const noexcept = 0;
};

/// What makes a step: its surroundings in the graph, and where its packed weights go.
struct Making {
  StepMaker& maker;
  const Node& node;
  std::shared_ptr<AudioDevice> device;
  Precision precision = Precision::fp32;

  const Graph& graph() const { return maker.graph(); }
  /// Of an input or result of the node.
  Slot input(std::size_t index) const {
    return index < node.inputs.size() ? maker.slot(node.inputs[index]) : Slot{};
  }
  Slot result(std::size_t index = 0) const { return maker.slot(node.results[index]); }
  const ValueType& type(std::size_t index) const { return graph().type(node.inputs[index]); }
  const ValueType& result_type() const { return graph().type(node.results[0]); }
  bool has(std::size_t index) const {
    return index < node.inputs.size() && node.inputs[index].present();
  }
};

/// Elements that a step keeps in the memory of its device.
class DeviceArray {
 public:
  DeviceArray() = default;
  template <typename T>
  DeviceArray(const std::vector<T>& values, const std::shared_ptr<AudioDevice>& device)
      : buffer_(values.size() * sizeof(T), device) {
    if (!values.empty()) device->upload(buffer_.handle(), 0, values.data(), bytes());
  }

  /// A device pointer; null where it is empty.
  template <typename T>
  const T* as() const noexcept {
    return static_cast<const T*>(buffer_.handle());
  }
  std::size_t bytes() const noexcept { return buffer_.bytes(); }

 private:
  Buffer buffer_;
};

/// The numbers of a constant as float32, whatever floating type it has.
std::vector<float> floats_of(const Graph& graph, Value value);

}  // namespace metalaudio::nn::cuda
