# The CUDA part, libmetalaudio_cuda.so: a library of its own, which a program loads where a driver is
# there. It is built where a CUDA compiler is found; everything else is built the same without it.
include(CheckLanguage)
find_program(METALAUDIO_NVCC nvcc HINTS ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin)
if(METALAUDIO_NVCC AND NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${METALAUDIO_NVCC})
endif()
set(METALAUDIO_CUDA_ARCHITECTURES 90 CACHE STRING
  "GPUs to compile for, as in CMAKE_CUDA_ARCHITECTURES; newer ones compile the last one's PTX")
set(CMAKE_CUDA_ARCHITECTURES ${METALAUDIO_CUDA_ARCHITECTURES})
check_language(CUDA)
set(METALAUDIO_CUDA OFF)
if(CMAKE_CUDA_COMPILER AND NOT METALAUDIO_SANITIZE)
  set(METALAUDIO_CUDA ON)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  set(CMAKE_CUDA_STANDARD 20)

  add_library(metalaudio_cuda SHARED
    core/cuda/accelerator.cpp core/cuda/device.cpp core/cuda/nvml.cpp core/cuda/nvrtc.cpp)
  target_link_libraries(metalaudio_cuda PRIVATE MetalAudio::models CUDA::cudart_static)
  target_compile_options(metalaudio_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:$<TARGET_PROPERTY:metalaudio_warnings,INTERFACE_COMPILE_OPTIONS>>)
  string(REPLACE ";" " " architectures "${METALAUDIO_CUDA_ARCHITECTURES}")  # a list would be cut apart
  target_compile_definitions(metalaudio_cuda PRIVATE METALAUDIO_VERSION="${PROJECT_VERSION}"
    METALAUDIO_CUDA_ARCHITECTURES="${architectures}")
  target_include_directories(metalaudio_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  # Only what core/cuda_part.h looks up is seen from outside.
  target_link_options(metalaudio_cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,defs)
  set_target_properties(metalaudio_cuda PROPERTIES
    CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endif()
