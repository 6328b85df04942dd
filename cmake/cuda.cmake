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
set(METALAUDIO_CUDA_LIKE "" CACHE STRING
  "A compute capability, such as 75, whose limits and kernels Hopper takes too, for tests")
if(METALAUDIO_CUDA_LIKE)
  # Limits and kernels go together: what asks for the memory of the one may not launch the other.
  set(METALAUDIO_CUDA_ARCHITECTURES ${METALAUDIO_CUDA_LIKE})
  set(CMAKE_CUDA_ARCHITECTURES OFF)
  string(APPEND CMAKE_CUDA_FLAGS " -gencode=arch=compute_${METALAUDIO_CUDA_LIKE},code=sm_90")
endif()
check_language(CUDA)
if(CMAKE_CUDA_COMPILER AND NOT METALAUDIO_SANITIZE)
  set(METALAUDIO_CUDA ON PARENT_SCOPE)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  # CMake 3.25 does not know the newest compilers' flag for it.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA_STANDARD 20)

  add_library(metalaudio_cuda SHARED
    core/cuda/accelerator.cpp core/cuda/device.cpp core/cuda/nvml.cpp core/cuda/nvrtc.cpp
    dsp/cuda/convolution_engine.cpp dsp/cuda/convolution_kernels.cu dsp/cuda/cufft.cpp
    dsp/cuda/fft_engine.cpp dsp/cuda/fft_kernels.cu dsp/cuda/filter_engine.cpp
    dsp/cuda/filter_kernels.cu dsp/cuda/stft_engine.cpp dsp/cuda/stft_kernels.cu
    nn/cuda/cuda_backend.cpp nn/cuda/cuda_runner.cpp nn/cuda/fusion.cpp
    nn/cuda/kernels/attention.cu nn/cuda/kernels/attention_bf16.cu
    nn/cuda/kernels/attention_f16.cu nn/cuda/kernels/attention_f32.cu
    nn/cuda/kernels/attention_split.cu nn/cuda/kernels/attention_tf32.cu
    nn/cuda/kernels/conv.cpp nn/cuda/kernels/conv_memory.cpp
    nn/cuda/kernels/conv_bf16.cu nn/cuda/kernels/conv_f16.cu
    nn/cuda/kernels/conv_f32.cu nn/cuda/kernels/conv_tf32.cu nn/cuda/kernels/dconv.cpp
    nn/cuda/kernels/device_limits.cpp
    nn/cuda/kernels/dconv_bf16.cu nn/cuda/kernels/dconv_f16.cu nn/cuda/kernels/dconv_f32.cu
    nn/cuda/kernels/dconv_tf32.cu nn/cuda/kernels/elementwise.cu
    nn/cuda/kernels/indexing.cu nn/cuda/kernels/integers.cu nn/cuda/kernels/matmul.cu
    nn/cuda/kernels/movement.cu nn/cuda/kernels/norm.cu nn/cuda/kernels/quantize.cu
    nn/cuda/kernels/recurrent.cu nn/cuda/kernels/reduce.cu nn/cuda/kernels/resample.cu
    nn/cuda/kernels/transform.cu
    nn/cuda/steps/attention.cpp nn/cuda/steps/conv.cpp nn/cuda/steps/conv_geometry.cpp
    nn/cuda/steps/dconv.cpp nn/cuda/steps/fused_dconv.cpp nn/cuda/steps/elementwise.cpp nn/cuda/steps/indexing.cpp
    nn/cuda/steps/matmul.cpp nn/cuda/steps/movement.cpp nn/cuda/steps/norm.cpp
    nn/cuda/steps/packed_conv.cpp nn/cuda/steps/quantize.cpp nn/cuda/steps/recurrent.cpp
    nn/cuda/steps/reduce.cpp nn/cuda/steps/resample.cpp nn/cuda/steps/transform.cpp)
  # Products of warp groups are there for Hopper alone, in code for nothing else.
  if("90" IN_LIST CMAKE_CUDA_ARCHITECTURES)
    set_source_files_properties(nn/cuda/kernels/conv_bf16.cu nn/cuda/kernels/conv_f16.cu
      nn/cuda/kernels/conv_f32.cu nn/cuda/kernels/conv_tf32.cu PROPERTIES
      COMPILE_OPTIONS -gencode=arch=compute_90a,code=sm_90a)
    set_source_files_properties(nn/cuda/kernels/attention_bf16.cu nn/cuda/kernels/attention_f16.cu
      PROPERTIES COMPILE_OPTIONS -gencode=arch=compute_90a,code=sm_90a
      COMPILE_DEFINITIONS METALAUDIO_WARP_GROUPS)
  endif()
  target_link_libraries(metalaudio_cuda PRIVATE MetalAudio::models CUDA::cudart_static)
  target_compile_options(metalaudio_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>
    $<$<COMPILE_LANGUAGE:CXX>:$<TARGET_PROPERTY:metalaudio_warnings,INTERFACE_COMPILE_OPTIONS>>)
  string(REPLACE ";" " " architectures "${METALAUDIO_CUDA_ARCHITECTURES}")  # a list would be cut apart
  target_compile_definitions(metalaudio_cuda PRIVATE METALAUDIO_VERSION="${PROJECT_VERSION}"
    METALAUDIO_CUDA_ARCHITECTURES="${architectures}")
  target_compile_definitions(metalaudio_cuda PRIVATE
    $<$<BOOL:${METALAUDIO_CUDA_LIKE}>:METALAUDIO_CUDA_LIKE=${METALAUDIO_CUDA_LIKE}>)
  target_include_directories(metalaudio_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  # Only what core/cuda_part.h looks up is seen from outside.
  target_link_options(metalaudio_cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,defs)

  # By themselves too, so that a test can reach them: the CUDA part shows none of its insides.
  add_library(metalaudio_cuda_frames STATIC
    models/htdemucs/cuda/copies.cpp models/htdemucs/cuda/frame_kernels.cu
    models/htdemucs/cuda/frames.cpp models/htdemucs/cuda/segment_sums.cpp
    models/htdemucs/cuda/stem_kernels.cu models/htdemucs/cuda/sum_kernels.cu)
  set_target_properties(metalaudio_cuda_frames PROPERTIES POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden)
  set_target_properties(CUDA::cudart_static CUDA::cudart_static_deps PROPERTIES IMPORTED_GLOBAL ON)
  target_link_libraries(metalaudio_cuda_frames PUBLIC MetalAudio::models CUDA::cudart_static)
  target_compile_options(metalaudio_cuda_frames PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:$<TARGET_PROPERTY:metalaudio_warnings,INTERFACE_COMPILE_OPTIONS>>)
  target_include_directories(metalaudio_cuda_frames SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
  target_sources(metalaudio_cuda PRIVATE
    models/htdemucs/cuda/batch_engine.cpp models/htdemucs/cuda/cuda_htdemucs.cpp)
  target_link_libraries(metalaudio_cuda PRIVATE metalaudio_cuda_frames)

  # Every kernel for every GPU, as objects alone: tests/cuda/CMakeLists.txt compiles them.
  get_target_property(kernels metalaudio_cuda SOURCES)
  list(FILTER kernels INCLUDE REGEX "[.]cu$")
  add_library(metalaudio_cuda_architectures OBJECT EXCLUDE_FROM_ALL
    ${kernels} models/htdemucs/cuda/frame_kernels.cu models/htdemucs/cuda/stem_kernels.cu)
  target_link_libraries(metalaudio_cuda_architectures PRIVATE MetalAudio::models)
  target_compile_options(metalaudio_cuda_architectures PRIVATE --expt-relaxed-constexpr)
  set_target_properties(metalaudio_cuda_architectures PROPERTIES
    CUDA_ARCHITECTURES "75-real;80-real;89-real;90a-real;100-real;120-real")

  # Tests that need a GPU are registered where one answers.
  find_program(METALAUDIO_NVIDIA_SMI nvidia-smi)
  set(METALAUDIO_GPU OFF CACHE INTERNAL "")
  if(METALAUDIO_NVIDIA_SMI)
    execute_process(COMMAND ${METALAUDIO_NVIDIA_SMI} -L RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
    if(result EQUAL 0)
      set(METALAUDIO_GPU ON CACHE INTERNAL "")
    endif()
  endif()

  set_target_properties(metalaudio_cuda PROPERTIES
    CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endif()
