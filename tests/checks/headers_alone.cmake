# Compiles each header by itself, twice included, so that none relies on what others include.
file(GLOB_RECURSE headers RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/metalaudio/*.h)
list(FILTER headers EXCLUDE REGEX "-inl\\.h$")  # Highway's are included once for each target
set(units "")
foreach(header IN LISTS headers)
  set(unit ${CMAKE_CURRENT_BINARY_DIR}/${header}.cpp)
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include <${header}>\n#include <${header}>\n")
  list(APPEND units ${unit})
endforeach()
add_library(metalaudio_headers_alone OBJECT ${units})
target_link_libraries(metalaudio_headers_alone PRIVATE MetalAudio::separation MetalAudio::repository metalaudio_warnings)
target_compile_options(metalaudio_headers_alone PRIVATE -O0 -g0)
