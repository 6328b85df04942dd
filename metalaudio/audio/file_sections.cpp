#include <metalaudio/audio/file_sections.h>

namespace metalaudio::audio {

FileSections find_sections(FileBytes& file, ReadLog& log) {
  for (const auto sections : {wave_sections, aiff_sections, ogg_sections, flac_sections})
    if (auto found = sections(file, log)) return *found;
  return {{"", 0, file.size()}};
}

}  // namespace metalaudio::audio
