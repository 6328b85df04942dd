#pragma once

#include <metalaudio/audio/tags.h>

#include <string_view>
#include <vector>

namespace TagLib {
class File;
}

namespace metalaudio::audio {

/// "image/jpeg" and the like, by the first bytes; empty for what is no picture.
std::string_view picture_type(std::string_view bytes) noexcept;

/// All pictures in a file, unchecked, with the MIME types that the file states.
std::vector<Picture> pictures_of(TagLib::File& file);

}  // namespace metalaudio::audio
