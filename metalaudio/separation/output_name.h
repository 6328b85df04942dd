#pragma once

#include <string>
#include <string_view>

namespace metalaudio::separation {

/// What the fields of a file name's pattern stand for. A stem comes from a model file, so its
/// slashes are replaced.
struct OutputFields {
  std::string track;            ///< {track}: the file's name up to its last dot
  std::string track_extension;  ///< {trackext}: what follows the last dot
  std::string stem;             ///< {stem}
  std::string extension;        ///< {ext}: "wav", "flac" …
  std::string folder{};         ///< {folder}: the name of the folder that the file lies in
};

/// Fills a pattern such as "{track}/{stem}.{ext}"; "{{" and "}}" stand for braces, as in Python. A
/// field makes no folder named "", "." or "..", which would lead out of the place that the pattern
/// says: "..." loses its extension, and its stems lie in "__". The pattern's own words may.
/// Errors:   throws Error{invalid_argument} on a field it does not know, or a brace that is not
///           closed.
std::string expand_output_name(std::string_view pattern, const OutputFields& fields);

/// Whether two stems of one track get different names.
bool names_each_stem(std::string_view pattern);

/// The folder of a model's outputs: "hf://someone/model" -> "someone_model", as upstream has it.
std::string model_folder_name(std::string_view model);

}  // namespace metalaudio::separation
