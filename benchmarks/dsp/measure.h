#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace metalaudio::bench {

inline double now_ns() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double, std::nano>(Clock::now().time_since_epoch()).count();
}

/// Times several bodies in turns, so that a slow spell of the machine meets all of them, and
/// returns the least time of one call of each.
class Race {
 public:
  template <typename Body>
  std::size_t add(Body body) {
    runners_.push_back(new Runner<Body>(body));
    return runners_.size() - 1;
  }
  ~Race() {
    for (Base* runner : runners_) delete runner;
  }

  /// Nanoseconds per call, in the order of add().
  std::vector<double> run(int rounds = 9, double round_ns = 3e6) {
    std::vector<double> best(runners_.size(), 1e300);
    std::vector<std::size_t> calls;
    for (Base* runner : runners_) {
      runner->run(2);
      std::size_t count = 1;
      while (runner->time(count) * static_cast<double>(count) < round_ns && count < (1U << 24)) {
        count *= 2;
      }
      calls.push_back(count);
    }
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < runners_.size(); ++i) {
        best[i] = std::min(best[i], runners_[i]->time(calls[i]));
      }
    }
    return best;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run(std::size_t count) = 0;
    double time(std::size_t count) {
      const double start = now_ns();
      run(count);
      return (now_ns() - start) / static_cast<double>(count);
    }
  };
  template <typename Body>
  struct Runner final : Base {
    explicit Runner(Body b) : body(b) {}
    void run(std::size_t count) override {
      for (std::size_t i = 0; i < count; ++i) body();
    }
    Body body;
  };

  std::vector<Base*> runners_;
};

}  // namespace metalaudio::bench
