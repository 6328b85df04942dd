# usage: cmake -D BUILD=… -D SOURCE=… -D WORK=… -D SANITIZE=… -P install_test.cmake
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(consumer ${WORK}/consumer)
file(REMOVE_RECURSE ${WORK}/prefix ${consumer})
set(flags "")
if(SANITIZE)
  set(flags "-DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/tests/install/consumer -B ${consumer}
  -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_BUILD_TYPE=Release -DEXAMPLES=${SOURCE}/examples ${flags})
run(${CMAKE_COMMAND} --build ${consumer})

file(MAKE_DIRECTORY ${consumer}/stems)
run(${consumer}/write_song ${consumer}/song.wav)
run(${consumer}/separate ${SOURCE}/tests/golden/htdemucs/htdemucs.model.safetensors
  ${consumer}/song.wav ${consumer}/stems)
foreach(stem drums bass other vocals)
  file(SIZE ${consumer}/stems/${stem}.wav bytes)
  if(bytes LESS 32000)  # the second, in stereo at the model's 8 kHz and 16 bits
    message(FATAL_ERROR "${stem}.wav has ${bytes} bytes")
  endif()
endforeach()
