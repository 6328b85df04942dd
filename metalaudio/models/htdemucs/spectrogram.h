#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/dsp/stft.h>
#include <metalaudio/models/htdemucs/config.h>

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::models {

/// A segment's way into the network's frequency branch and back: HTDemucs._spec, _magnitude, _mask
/// and _ispec with complex numbers as channels.
/// Shapes:   x[channels][segment] -> z[nfft/2][frames][2 · channels], re and im side by side;
///           z[nfft/2][frames][2 · outputs] -> x[outputs][segment].
/// Threads:  one caller at a time; the work is shared with the pool.
class Spectrogram {
 public:
  /// outputs: sources · audio channels, for inverse().
  Spectrogram(const HTDemucsConfig& config, std::size_t outputs, ThreadPool& pool);

  void forward(std::span<const float> x, std::span<float> z);
  /// Transforms scale · z + offset.
  void inverse(std::span<const float> z, float scale, float offset, std::span<float> x);

 private:
  using Complex = std::complex<float>;

  /// What a thread needs for a block of frames of all outputs.
  struct Block {
    std::vector<Complex> spectra;
    std::vector<float> frame;
    dsp::Stft::Scratch scratch;
  };

  std::span<float> padded(std::size_t channel) {
    return std::span(padded_).subspan(channel * padded_frames_, padded_frames_);
  }
  void pad_reflecting(std::span<const float> x, std::span<float> padded);
  void copy_frame(std::size_t channel, std::size_t frame, std::span<float> to);
  void gather(std::span<const float> z, std::size_t outputs, std::size_t first, std::size_t count,
              float scale, float offset, Block& block) const;
  void add_frames(std::size_t output, std::size_t first, std::size_t count, Block& block,
                  std::span<float> x) const;

  ThreadPool& pool_;
  dsp::Stft stft_;
  std::size_t segment_;
  std::size_t frames_;
  std::size_t rows_;
  std::size_t pad_;
  std::size_t padded_frames_;
  std::vector<float> padded_;   ///< [channels][padded_frames]
  std::vector<float> weights_;  ///< of the samples' overlap-add
  std::vector<Block> blocks_;   ///< by thread
};

}  // namespace metalaudio::models
