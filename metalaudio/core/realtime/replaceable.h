#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <atomic>
#include <memory>
#include <utility>

namespace metalaudio {

/// A value that a control thread replaces while an audio thread uses it; neither ever waits. What
/// has been replaced is destroyed on the control thread.
/// Threads:  offer() and collect() on one control thread; take(), current(), previous() and
///           retire() on one audio thread; waiting() on either.
/// Realtime: take, current, previous, retire, waiting.
template <typename T>
class Replaceable {
 public:
  explicit Replaceable(std::unique_ptr<T> first) : current_(new Node{std::move(first)}) {}
  ~Replaceable() {
    delete waiting_.load();
    collect();
  }
  Replaceable(const Replaceable&) = delete;
  Replaceable& operator=(const Replaceable&) = delete;

  /// To be taken next; of several that were not taken yet, the last counts. Collects as well.
  void offer(std::unique_ptr<T> next) {
    std::unique_ptr<Node> node(new Node{std::move(next)});
    collect();
    delete waiting_.exchange(node.release(), std::memory_order_acq_rel);
  }
  /// Destroys what was retired.
  void collect() noexcept {
    Node* node = retired_.exchange(nullptr, std::memory_order_acquire);
    while (node != nullptr) delete std::exchange(node, node->next);
  }

  METALAUDIO_REALTIME bool waiting() const noexcept {
    return waiting_.load(std::memory_order_relaxed) != nullptr;
  }
  /// Makes the offered value current and the current one previous; whether there was one. Not
  /// before the last previous one is retired.
  METALAUDIO_REALTIME bool take() noexcept {
    if (previous_ != nullptr || !waiting()) return false;
    Node* const next = waiting_.exchange(nullptr, std::memory_order_acq_rel);
    if (next == nullptr) return false;
    previous_ = std::move(current_);
    current_.reset(next);
    return true;
  }
  METALAUDIO_REALTIME T& current() noexcept { return *current_->value; }
  /// Null where none is left.
  METALAUDIO_REALTIME T* previous() noexcept {
    return previous_ == nullptr ? nullptr : previous_->value.get();
  }
  /// Leaves the previous value to collect().
  METALAUDIO_REALTIME void retire() noexcept {
    if (previous_ == nullptr) return;
    Node* const done = previous_.release();
    // Only this thread puts anything here: between the two steps the list is its own.
    done->next = retired_.exchange(nullptr, std::memory_order_acquire);
    retired_.store(done, std::memory_order_release);
  }

 private:
  struct Node {
    std::unique_ptr<T> value;
    Node* next = nullptr;  // in the list of the retired
  };

  std::unique_ptr<Node> current_;        // audio thread
  std::unique_ptr<Node> previous_;       // audio thread
  std::atomic<Node*> waiting_{nullptr};  // from the control thread to the audio thread
  std::atomic<Node*> retired_{nullptr};  // and back
};

}  // namespace metalaudio
