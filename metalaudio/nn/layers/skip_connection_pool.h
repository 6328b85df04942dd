#pragma once

#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph/graph.h>

#include <cstddef>
#include <map>

namespace metalaudio::nn::layers {

/// What the encoder of a U-Net leaves for the decoder, by level: 0 is the outermost. `kRank` axes:
/// batch, one or two, channels.
/// Errors:   store() throws Error{invalid_argument} on a level that is taken and another number of
///           axes, take() Error{not_found}.
/// Threads:  one.
template <std::size_t kRank>
class BasicSkipConnectionPool {
 public:
  void store(const Graph& graph, std::size_t level, Value value) {
    if (graph.shape(value).rank() != kRank) {
      fail(ErrorCode::invalid_argument, "[SkipConnectionPool] level {} is {}, expected {} axes",
           level, graph.shape(value).to_string(), kRank);
    }
    if (!values_.try_emplace(level, value).second) {
      fail(ErrorCode::invalid_argument, "[SkipConnectionPool] level {} was stored before", level);
    }
  }
  /// The value of a level, which leaves the pool.
  Value take(std::size_t level) {
    const auto found = values_.find(level);
    if (found == values_.end()) {
      fail(ErrorCode::not_found, "[SkipConnectionPool] level {} was not stored", level);
    }
    const Value value = found->second;
    values_.erase(found);
    return value;
  }
  std::size_t size() const noexcept { return values_.size(); }
  void clear() noexcept { values_.clear(); }

 private:
  std::map<std::size_t, Value> values_;
};

using SkipConnectionPool = BasicSkipConnectionPool<3>;
using SkipConnectionPool2d = BasicSkipConnectionPool<4>;

}  // namespace metalaudio::nn::layers
