# Of what dpkg-buildflags calls hardening, what is done when a program is linked: it is placed anywhere (PIE), and
# its tables of functions are read-only once it runs.
if(NOT METALAUDIO_SANITIZE)
  include(CheckPIESupported)
  check_pie_supported()
  add_link_options(LINKER:-z,relro,-z,now)
endif()
