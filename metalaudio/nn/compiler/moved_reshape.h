#pragma once

#include <metalaudio/core/shape.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace metalaudio::nn {

/// A reshape and a transpose that together do what a transpose and a reshape did.
struct MovedReshape {
  Shape shape = {};                ///< of the source
  std::vector<std::size_t> order;  ///< of the transpose that follows
};

/// Moves a reshape before the transpose `order` of a value of shape `source`, where each axis is
/// only split, or merged with axes that lie beside it in the source as well; otherwise nothing.
std::optional<MovedReshape> move_reshape(const Shape& source, const std::vector<std::size_t>& order,
                                         const Shape& to);

}  // namespace metalaudio::nn
