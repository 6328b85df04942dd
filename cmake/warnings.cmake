# One set of warnings for all of our own code; errors, so that they stay at zero.
# -Wrestrict: GCC 12 reports a copy that cannot be for "text" + std::string (its bug 105651).
add_library(metalaudio_warnings INTERFACE)
target_compile_options(metalaudio_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-psabi $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -Werror)
