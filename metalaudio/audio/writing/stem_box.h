#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/output_file.h>

#include <vector>

namespace metalaudio::audio {

/// Puts the box by which DJ programs know a stem file (moov/udta/stem: JSON with the names and
/// colours of the stems, and with the processing of their sum, which is none) into an MP4 file that
/// ends with its moov.
/// Errors:   throws Error{io} where the disk refuses.
/// Source:   Native Instruments, Stem File Specification
void write_stem_box(OutputFile& file, const std::vector<StemLabel>& stems);

}  // namespace metalaudio::audio
