#include <fmt/format.h>
#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

// Any bytes as an audio file, which lies in memory. A file may promise hours: some seconds are
// read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace metalaudio;
  const int file = ::memfd_create("audio", MFD_CLOEXEC);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) return -1;
  try {
    audio::AudioReader reader(fmt::format("/proc/self/fd/{}", file));
    AudioBuffer block(reader.format().channels, 4096);
    for (int i = 0; i < 64 && reader.read(block) > 0; ++i) {
    }
  } catch (const Error&) {  // what every broken input must end in
  }
  ::close(file);
  return 0;
}
