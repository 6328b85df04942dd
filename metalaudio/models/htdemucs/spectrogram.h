#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/dsp/stft.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/htdemucs/moments.h>

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::models {

/// scale · values + offset, which are added to a transform.
/// Shapes:   values[segment][outputs]; or none.
/// Threads:  a value.
struct Waveform {
  std::span<const float> values = {};
  float scale = 0;
  float offset = 0;
};

/// A segment's way into the network's frequency branch and back: HTDemucs._spec, _magnitude, _mask
/// and _ispec with complex numbers as channels.
/// Shapes:   x[channels][segment] -> z[nfft/2][frames][2 · channels], re and im side by side;
///           z[nfft/2][frames][2 · outputs] -> x[outputs][segment].
/// Threads:  one caller at a time; the work is shared with the pool.
class Spectrogram {
 public:
  /// outputs: sources · audio channels, for inverse().
  Spectrogram(const HTDemucsConfig& config, std::size_t outputs, ThreadPool& pool);

  /// Gives the moments of z.
  Moments forward(std::span<const float> x, std::span<float> z);
  /// Transforms scale · z + offset, and adds a waveform.
  void inverse(std::span<const float> z, float scale, float offset, std::span<float> x,
               const Waveform& waveform = {});

 private:
  using Complex = std::complex<float>;

  /// What a thread needs for some frames of all outputs.
  struct Frames {
    Array<Complex> spectra;
    std::vector<float> frame;
    dsp::Stft::Scratch scratch;
  };
  /// Where samples of a segment are.
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// Some frames of inverse(), one after the other, and the hops that they reach first.
  struct Part {
    std::size_t first = 0;
    std::size_t end = 0;
    std::size_t hops_end = 0;  ///< those from here on are another's
    float* tail = nullptr;     ///< what these frames add to them, [outputs][tail_]
  };

  std::span<Complex> spectrum(Frames& frames, std::size_t row) const;
  std::span<const float> frame_of(std::span<const float> x, std::size_t frame,
                                  std::span<float> room) const;
  float padded(std::span<const float> x, std::int64_t index) const;
  std::int64_t start_of(std::size_t hop) const;
  Range samples_of(std::size_t first_hop, std::size_t end_hop) const;
  Part part(std::size_t index, std::size_t outputs);
  void add_frames(const Part& part, std::size_t output, std::size_t first, std::size_t count,
                  std::size_t outputs, Frames& frames, std::span<float> x) const;
  void add_frame(const Part& part, std::size_t output, std::size_t frame,
                 std::span<const float> values, std::span<float> x) const;
  void finish(std::size_t first_hop, std::size_t end_hop, const float* tail,
              const Waveform& waveform, std::span<float> x) const;

  ThreadPool& pool_;
  dsp::Stft stft_;
  std::size_t segment_;
  std::size_t frames_;
  std::size_t rows_;
  std::size_t pad_;
  std::size_t hops_;             ///< that a frame reaches
  std::size_t stride_;           ///< of spectra
  std::size_t tail_;             ///< samples
  std::vector<float> inverses_;  ///< of the weights of the samples' overlap-add
  std::vector<Frames> by_thread_;
  std::vector<Moments> moments_;  ///< by task of forward()
  Array<float> tails_;            ///< [parts][outputs][tail_]
};

}  // namespace metalaudio::models
