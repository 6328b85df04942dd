#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/htdemucs/cuda/frame_kernels.h>
#include <metalaudio/models/model_options.h>

#include <memory>
#include <string>

namespace metalaudio::models::cuda {

/// What lies around the network, on a GPU: a segment's samples and spectrogram at mean 0 and
/// deviation 1, and the stems from what the network makes of them; Spectrogram and HTDemucs do the
/// same on the CPU. Addresses are of the device's memory; the work is put into its stream.
/// Shapes:   forward: mix[batch][channels][segment] -> waveform[batch][segment][channels],
///           spectrogram[batch][nfft / 2][frames][channels · 2]; inverse:
///           waveform[batch][segment][outputs], spectrogram[batch][nfft / 2][frames][outputs · 2]
///           -> stems[batch][outputs][segment]. The bits do not depend on the batch.
/// Errors:   the constructor throws Error{out_of_memory, backend_unavailable}; forward and inverse
///           throw Error{backend_unavailable} where the device was lost.
/// Threads:  one; for forward and inverse its device is the current one.
class Frames {
 public:
  /// Why it cannot do these on that device; empty where it can.
  static std::string refusal(const HTDemucsConfig& config, Mode mode, const AudioDevice& device);

  /// `shared` limits the shared memory that decides how stems are put together; 0: to the device's.
  Frames(const HTDemucsConfig& config, Mode mode, std::size_t batch,
         std::shared_ptr<AudioDevice> device, int shared = 0);

  void forward(const float* mix, float* waveform, float* spectrogram);
  /// Of the segments that forward() was given last.
  void inverse(const float* waveform, const float* spectrogram, float* stems);

 private:
  float* window() { return static_cast<float*>(tables_.handle()); }
  float* synthesis_window() { return window() + sizes_.nfft; }
  float* envelope() { return synthesis_window() + sizes_.nfft; }
  float2* twiddles();
  double2* sample_parts() { return static_cast<double2*>(parts_.handle()); }
  double2* spectrogram_sums() { return sample_parts() + sizes_.batch * kSampleParts; }
  SegmentMoments* moments() { return static_cast<SegmentMoments*>(moments_.handle()); }

  FrameSizes sizes_;
  Mode mode_;
  std::shared_ptr<AudioDevice> device_;
  bool at_once_ = false;  ///< stems come out of one kernel, which needs no frames in memory
  float scale_ = 1;       ///< of a transform that is normalised
  Buffer tables_;         ///< window, window / scale, envelope, twiddles
  Buffer parts_;          ///< of sums
  Buffer moments_;
  Buffer working_;  ///< the spectra on the way in, frames on the way out
};

}  // namespace metalaudio::models::cuda
