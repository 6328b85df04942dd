# One set of warnings for all of our own code; errors, so that they stay at zero.
add_library(metalaudio_warnings INTERFACE)
target_compile_options(metalaudio_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-psabi -Werror)
