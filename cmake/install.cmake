# The installed package: find_package(MetalAudio COMPONENTS dsp …) gives MetalAudio::dsp …, and all
# modules where none are named.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/MetalAudio)
get_property(METALAUDIO_MODULES GLOBAL PROPERTY METALAUDIO_MODULES)
set(METALAUDIO_REQUIREMENTS "")
foreach(module IN LISTS METALAUDIO_MODULES)
  install(EXPORT MetalAudio-${module} NAMESPACE MetalAudio:: DESTINATION ${package_dir} COMPONENT dev)
  set(dependencies ${PROJECT_SOURCE_DIR}/cmake/dependencies/${module}.cmake)
  if(EXISTS ${dependencies})
    install(FILES ${dependencies} DESTINATION ${package_dir}/dependencies COMPONENT dev)
  endif()
  # What a module is built on comes with it.
  get_target_property(libraries metalaudio_${module} LINK_LIBRARIES)
  list(FILTER libraries INCLUDE REGEX "^MetalAudio::")
  list(TRANSFORM libraries REPLACE "^MetalAudio::" "")
  string(APPEND METALAUDIO_REQUIREMENTS "set(MetalAudio_${module}_needs ${libraries})\n")
endforeach()

# The C interface brings all that it needs with it.
if(TARGET metalaudio_c)
  install(EXPORT MetalAudio-c NAMESPACE MetalAudio:: DESTINATION ${package_dir} COMPONENT dev)
  list(APPEND METALAUDIO_MODULES c)
endif()

configure_package_config_file(cmake/MetalAudioConfig.cmake.in ${CMAKE_BINARY_DIR}/MetalAudioConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/MetalAudioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/MetalAudioConfig.cmake ${CMAKE_BINARY_DIR}/MetalAudioConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT dev)

if(METALAUDIO_BUILD_APPS)
  install(TARGETS metalaudio_cli COMPONENT runtime)
  # The program looks for them beside itself: ../share/metalaudio/models.
  install(FILES models/demo_6s.safetensors models/preamp.nam models/preamp_lstm.nam
    DESTINATION ${CMAKE_INSTALL_DATADIR}/metalaudio/models COMPONENT runtime)
endif()
if(TARGET metalaudio_cuda)
  # A private library of the program and of whatever else is built on the modules: core/cuda_part.cpp.
  install(TARGETS metalaudio_cuda LIBRARY DESTINATION lib/metalaudio COMPONENT cuda)
endif()
if(PROJECT_IS_TOP_LEVEL)
  include(packages)
endif()
