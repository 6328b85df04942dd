# Debian packages of what is installed, made by tools/package.sh: the program (metalaudio), the C library
# (libmetalaudio0), what others build on (metalaudio-dev), the Python package (python3-metalaudio, a project
# of its own: METALAUDIO_PYTHON_BUILD), and the CUDA part (metalaudio-cuda) where it is built.
set(METALAUDIO_PYTHON_BUILD "" CACHE PATH "Where bindings/python is built for the system's Python, for its package")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME metalaudio)
set(CPACK_PACKAGE_VENDOR "The MetalAudio authors")
set(CPACK_PACKAGE_CONTACT "The MetalAudio authors <metalaudio@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(version ${PROJECT_VERSION})

# metalaudio_package(COMPONENT NAME SECTION DEPENDS TEXT): a package of one component; TEXT begins with its synopsis.
function(metalaudio_package component name section depends text)
  string(TOUPPER ${component} upper)
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${text}" PARENT_SCOPE)
  # What every package has to have.
  set(documents ${CMAKE_BINARY_DIR}/packaging/${name})
  file(MAKE_DIRECTORY ${documents})
  execute_process(COMMAND gzip -9nc ${PROJECT_SOURCE_DIR}/packaging/changelog
    OUTPUT_FILE ${documents}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/copyright ${documents}/changelog.gz
    DESTINATION share/doc/${name} COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()

set(CPACK_COMPONENTS_ALL "")
set(about "MetalAudio splits songs into stems with HTDemucs models, plays through neural
amps, convolves, filters and runs ONNX models, on any x86-64 processor.")
if(METALAUDIO_BUILD_APPS)
  metalaudio_package(runtime metalaudio sound "" "stems from music, neural amps and signal processing
${about}
.
This package has the program metalaudio, its manual pages and completion for
shells, a small model that takes songs apart into six stems, and two amps.")
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "metalaudio-cuda (= ${version})")
endif()
if(TARGET metalaudio_c)
  metalaudio_package(library libmetalaudio0 libs "" "stems, neural networks and signal processing (C library)
${about}
.
This package has the shared library with an interface for C. The model that
ships is in the package metalaudio.")
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/library/triggers)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "metalaudio (= ${version})")
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
endif()
# The packages that MetalAudioConfig.cmake looks for.
metalaudio_package(dev metalaudio-dev libdevel
  "libmetalaudio0 (= ${version}), libfmt-dev, nlohmann-json3-dev, libhwy-dev, libzip-dev, libonnx-dev, libprotobuf-dev, libsndfile1-dev, libavformat-dev, libavcodec-dev, libavutil-dev, libswresample-dev, libsoxr-dev, libmp3lame-dev, libtag1-dev, libyaml-cpp-dev, libcurl4-openssl-dev, libssl-dev"
  "stems, neural networks and signal processing (development)
${about}
.
This package has the headers and static libraries of the modules for C++, for
find_package(MetalAudio), and what programs in C are built with.")
if(TARGET metalaudio_cuda)
  metalaudio_package(cuda metalaudio-cuda sound "metalaudio (= ${version})" "stems from music on NVIDIA GPUs
${about}
.
This package has the part that computes on NVIDIA GPUs. It needs their driver
and nothing of the CUDA toolkit.")
  set(CPACK_DEBIAN_CUDA_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_CUDA_PACKAGE_SUGGESTS "libcuda1")
endif()
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};ALL;/")
if(METALAUDIO_PYTHON_BUILD)
  metalaudio_package(python python3-metalaudio python
    "metalaudio (= ${version}), python3 (>= 3.11~), python3 (<< 3.12), python3-numpy" "stems from music, neural amps and signal processing (Python 3)
${about}
.
This package has the module metalaudio for Python 3: separation under the names
of demucs.api, signal processing under those of librosa and scipy.signal, ONNX
models and amps, on arrays of numpy.")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/python3/postinst ${PROJECT_SOURCE_DIR}/packaging/python3/prerm)
  list(APPEND CPACK_INSTALL_CMAKE_PROJECTS "${METALAUDIO_PYTHON_BUILD};MetalAudioPython;ALL;/")
endif()
include(CPack)
