# What dpkg-buildflags calls hardening. What is linked is placed anywhere (PIE), and its tables of functions are
# read-only once it runs. metalaudio_harden(TARGET …): also checks of the stack and of the C library's buffers, where
# files of others and the network come in. Signal processing and networks stay without: their tests watch for the C
# library's functions by their names, and their kernels use none.
function(metalaudio_harden)
endfunction()
if(NOT METALAUDIO_SANITIZE)
  include(CheckPIESupported)
  check_pie_supported()
  add_link_options(LINKER:-z,relro,-z,now)
  function(metalaudio_harden)
    foreach(target IN LISTS ARGN)
      target_compile_options(${target} PRIVATE -fstack-protector-strong -Wformat -Werror=format-security
        "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
    endforeach()
  endfunction()
endif()
