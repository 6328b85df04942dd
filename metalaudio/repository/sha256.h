#pragma once

#include <filesystem>
#include <string>

namespace metalaudio::repository {

/// The SHA-256 of a file's bytes, as 64 lower-case hexadecimal digits. One that has not changed since
/// it was last asked for is not read again.
/// Errors:   throws Error{not_found, io}, naming the file.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace metalaudio::repository
