#include <metalaudio/nn/cpu/steps/index_map.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/strides.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

bool is_identity(const std::vector<std::int64_t>& map, std::int64_t extent) {
  if (static_cast<std::int64_t>(map.size()) != extent) return false;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (map[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

/// `size` neighbours of the last axis that show x at from, from + step, … or, with `filled`, the
/// fill.
struct Progression {
  std::int64_t from = 0;
  std::int64_t step = 0;
  std::size_t size = 0;
  bool filled = false;
};

/// What a map shows, in as few progressions as it takes from the first one on: take(progression).
template <typename Take>
void follow(const std::vector<std::int64_t>& map, Take&& take) {
  for (std::size_t i = 0; i < map.size();) {
    Progression part{map[i], 0, 1, map[i] < 0};
    if (i + 1 < map.size() && (map[i + 1] < 0) == part.filled) {
      part.step = part.filled ? 0 : map[i + 1] - map[i];
    }
    while (i + part.size < map.size() && (map[i + part.size] < 0) == part.filled &&
           (part.filled || map[i + part.size] - map[i + part.size - 1] == part.step)) {
      ++part.size;
    }
    i += part.size;
    take(part);
  }
}

std::vector<Progression> progressions_of(const std::vector<std::int64_t>& map, StepMaker& maker) {
  std::size_t count = 0;
  follow(map, [&](const Progression&) { ++count; });
  maker.will_keep(count * sizeof(Progression));
  std::vector<Progression> result;
  result.reserve(count);
  follow(map, [&](const Progression& part) { result.push_back(part); });
  return result;
}

/// Axes at the end that stay as they are move as one piece.
class IndexMapStep final : public CpuStep {
 public:
  IndexMapStep(const Node& node, IndexMaps maps, double fill, StepMaker& maker)
      : maps_(std::move(maps)),
        strides_(dense_strides(maker.graph().shape(node.inputs[0]))),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.results[0]);
    const Shape& in = maker.graph().shape(node.inputs[0]);
    bytes_ = size_of(type.type);
    while (maps_.size() > 1 && is_identity(maps_.back(), in[maps_.size() - 1])) {
      piece_ *= maps_.back().size();
      maps_.pop_back();
    }
    if (maps_.empty()) maps_.push_back({0});
    row_ = maps_.back().size();
    rows_ =
        type.shape.size() == 0 ? 0 : static_cast<std::size_t>(type.shape.size()) / (piece_ * row_);
    // A scalar has no axis, and its one element no stride.
    if (in.rank() == 0) strides_[0] = 1;
    columns_ = progressions_of(maps_.back(), maker);
    maps_.pop_back();
    visit_type(type.type, [&]<typename T>(std::type_identity<T>) {
      const T value = converted<T>(fill);
      std::memcpy(fill_, &value, sizeof value);
    });
  }

  void run(const CpuRun& run) const noexcept override {
    with_word(bytes_, [&]<typename Word>(std::type_identity<Word>) {
      run.workers.parallel_blocks(rows_, together(piece_ * row_),
                                  [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                    for (std::size_t row = first; row < first + n; ++row) {
                                      fill_row<Word>(run, row);
                                    }
                                  });
    });
  }

 private:
  template <typename Word>
  void fill_row(const CpuRun& run, std::size_t row) const noexcept {
    const std::size_t last = maps_.size();
    Word* y = run.at<Word>(y_) + row * row_ * piece_;
    std::int64_t offset = 0;
    bool inside = true;
    std::size_t rest = row;
    for (std::size_t axis = last; axis-- > 0;) {
      const std::int64_t from = maps_[axis][rest % maps_[axis].size()];
      rest /= maps_[axis].size();
      inside = inside && from >= 0;
      offset += from * strides_[axis];
    }
    Word fill;
    std::memcpy(&fill, fill_, sizeof fill);
    if (!inside) {
      std::fill_n(y, row_ * piece_, fill);
      return;
    }
    const Word* x = run.at<const Word>(x_) + offset;
    const auto piece = static_cast<std::int64_t>(piece_);
    for (const Progression& part : columns_) {
      const Word* from = x + part.from * strides_[last];
      const std::int64_t step = part.step * strides_[last];
      if (part.filled) {
        std::fill_n(y, part.size * piece_, fill);
      } else if (step == piece) {
        std::memcpy(y, from, part.size * piece_ * sizeof(Word));
      } else if (piece_ == 1) {
        for (std::size_t i = 0; i < part.size; ++i)
          y[i] = from[static_cast<std::int64_t>(i) * step];
      } else {
        for (std::size_t i = 0; i < part.size; ++i) {
          std::memcpy(y + i * piece_, from + static_cast<std::int64_t>(i) * step,
                      piece_ * sizeof(Word));
        }
      }
      y += part.size * piece_;
    }
  }

  IndexMaps maps_;  ///< of all axes but the last that moves
  std::vector<Progression> columns_;
  Strides strides_;
  Slot x_;
  Slot y_;
  std::size_t bytes_ = 0;
  std::size_t piece_ = 1;
  std::size_t row_ = 1;  ///< pieces
  std::size_t rows_ = 0;
  std::byte fill_[8] = {};
};

}  // namespace

std::unique_ptr<Step> make_index_map(const Node& node, IndexMaps maps, double fill,
                                     StepMaker& maker) {
  return std::make_unique<IndexMapStep>(node, std::move(maps), fill, maker);
}

}  // namespace metalaudio::nn::cpu
