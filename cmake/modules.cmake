# metalaudio_module(NAME HEADERS … SOURCES … PUBLIC … PRIVATE …): one library target per module,
# MetalAudio::NAME. HEADERS are what its users may include, and all that is installed of its headers;
# the others are private: no other module includes them, nor does a header of this list.
function(metalaudio_module name)
  cmake_parse_arguments(arg "" "" "HEADERS;SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(metalaudio_${name} ${arg_SOURCES})
  add_library(MetalAudio::${name} ALIAS metalaudio_${name})
  target_sources(metalaudio_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
    FILES ${arg_HEADERS})
  target_compile_features(metalaudio_${name} PUBLIC cxx_std_20)
  target_link_libraries(metalaudio_${name} PUBLIC ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:metalaudio_warnings>)
  set_target_properties(metalaudio_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY METALAUDIO_MODULES ${name})
  if(METALAUDIO_INSTALL)
    install(TARGETS metalaudio_${name} EXPORT MetalAudio-${name}
      ARCHIVE COMPONENT dev LIBRARY COMPONENT library NAMELINK_COMPONENT dev FILE_SET HEADERS COMPONENT dev)
  endif()
endfunction()

# metalaudio_public_headers(VARIABLE): the headers of all modules' HEADERS, below the source folder.
function(metalaudio_public_headers variable)
  set(headers "")
  get_property(modules GLOBAL PROPERTY METALAUDIO_MODULES)
  foreach(module IN LISTS modules)
    get_target_property(files metalaudio_${module} HEADER_SET)
    get_target_property(folder metalaudio_${module} SOURCE_DIR)
    foreach(file IN LISTS files)
      cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${folder} NORMALIZE)
      cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
      list(APPEND headers ${file})
    endforeach()
  endforeach()
  set(${variable} ${headers} PARENT_SCOPE)
endfunction()

# metalaudio_simd_sources(FILES …): compiles kernel files for SSSE3 (every x86-64 since 2006), AVX2
# and AVX-512; the instruction sets between them only add size.
function(metalaudio_simd_sources)
  set(targets "HWY_DISABLED_TARGETS=(HWY_SCALAR|HWY_EMU128|HWY_SSE4|HWY_AVX3_DL)")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND targets "HWY_BASELINE_TARGETS=HWY_SSSE3")
  endif()
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS "${targets}")
  if(METALAUDIO_SANITIZE)
    # Three instruction sets of inlined vectors: compilers take half an hour over them with every check.
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O1;-g0;-fno-sanitize=undefined")
  endif()
endfunction()
