#pragma once

#include <metalaudio/audio/tags.h>

#include <filesystem>

namespace metalaudio::audio {

/// What FFmpeg reads of a file's tags and pictures, under TagLib's names, unchecked: texts in
/// whatever encoding the file has, and only names that are known where a container keeps what is no
/// tag among them. None without FFmpeg.
/// Errors:   as FileBytes.
Tags tags_with_ffmpeg(const std::filesystem::path& path);

}  // namespace metalaudio::audio
