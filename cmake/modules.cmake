# metalaudio_module(NAME SOURCES … PUBLIC … PRIVATE …): one library target per module, MetalAudio::NAME.
function(metalaudio_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(metalaudio_${name} ${arg_SOURCES})
  add_library(MetalAudio::${name} ALIAS metalaudio_${name})
  target_include_directories(metalaudio_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include>)
  target_compile_features(metalaudio_${name} PUBLIC cxx_std_20)
  target_link_libraries(metalaudio_${name} PUBLIC ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:metalaudio_warnings>)
  set_target_properties(metalaudio_${name} PROPERTIES EXPORT_NAME ${name})
  if(METALAUDIO_INSTALL)
    install(TARGETS metalaudio_${name} EXPORT MetalAudioTargets)
  endif()
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
