# The installed package: find_package(MetalAudio) gives MetalAudio::core, ::dsp, ::nn, ::audio,
# ::models, ::separation, ::repository.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/MetalAudio)
install(EXPORT MetalAudioTargets NAMESPACE MetalAudio:: DESTINATION ${package_dir})
install(DIRECTORY metalaudio DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h"
  PATTERN cpu EXCLUDE PATTERN cuda EXCLUDE PATTERN no_cuda EXCLUDE)

configure_package_config_file(cmake/MetalAudioConfig.cmake.in ${CMAKE_BINARY_DIR}/MetalAudioConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/MetalAudioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/MetalAudioConfig.cmake ${CMAKE_BINARY_DIR}/MetalAudioConfigVersion.cmake
  cmake/dependencies.cmake DESTINATION ${package_dir})

if(METALAUDIO_BUILD_APPS)
  install(TARGETS metalaudio_cli)
endif()
