# One part of the tests of the installed package.
# usage: cmake -D PART=… -D BUILD=… -D SOURCE=… -D WORK=… -D SANITIZE=… -D PUBLIC_HEADERS=… -P install_test.cmake
cmake_minimum_required(VERSION 3.25)

set(prefix ${WORK}/prefix)
set(modules "core dsp nn onnx models audio separation repository")
# What only the program needs, and then all that signal processing does not.
set(program_packages "CLI11")
set(program_modules "cairo")
set(other_packages "CLI11 CURL OpenSSL yaml-cpp ONNX Protobuf")
set(other_modules "cairo|libav|libsw|sndfile|soxr|lame|libzip")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# configure(FOLDER REFUSED_PACKAGES REFUSED_MODULES …): another project on the installed package, on a
# machine without some packages of CMake (names with spaces between) and of pkg-config (a pattern).
function(configure folder packages refused)
  set(flags "")
  if(SANITIZE)
    set(flags "-DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE}")
  endif()
  file(REMOVE_RECURSE ${WORK}/${folder})
  run(${CMAKE_COMMAND} -E env REFUSED=${refused} PKG_CONFIG=${CMAKE_CURRENT_LIST_DIR}/pkg_config_without.sh
    ${CMAKE_COMMAND} -G Ninja -B ${WORK}/${folder} -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_BUILD_TYPE=Release
    "-DREFUSE_PACKAGES=${packages}" -DEXAMPLES=${SOURCE}/examples -DINSTALLED=${prefix} ${flags} ${ARGN})
endfunction()

# must_not_link(PROGRAM …): its link line names none of the libraries of files, pictures and networks.
function(must_not_link)
  foreach(program IN LISTS ARGN)
    execute_process(COMMAND ninja -C ${WORK}/modules -t commands ${program}
      OUTPUT_VARIABLE commands COMMAND_ERROR_IS_FATAL ANY)
    foreach(library curl ssl crypto yaml-cpp avformat avcodec sndfile soxr mp3lame cairo onnx_proto protobuf)
      if(commands MATCHES "lib${library}[^a-z]|-l${library}[^a-z]")
        message(FATAL_ERROR "${program} links ${library}")
      endif()
    endforeach()
  endforeach()
endfunction()

# write_song(): a second of sound at ${WORK}/song.wav.
function(write_song)
  run(${WORK}/modules/use_audio ${WORK}/song.wav)
endfunction()

if(PART STREQUAL "install")
  file(REMOVE_RECURSE ${prefix})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})

elseif(PART STREQUAL "headers")
  # Those that are public, and no others.
  file(GLOB_RECURSE installed RELATIVE ${prefix}/include ${prefix}/include/*)
  list(REMOVE_ITEM installed metalaudio.h)  # of the C interface, which has tests of its own
  file(STRINGS ${PUBLIC_HEADERS} public)
  list(SORT installed)
  list(SORT public)
  if(NOT installed STREQUAL public)
    message(FATAL_ERROR "Installed: ${installed}\nPublic: ${public}")
  endif()
  configure(headers "" "^$" -S ${CMAKE_CURRENT_LIST_DIR}/headers)
  run(${CMAKE_COMMAND} --build ${WORK}/headers)

elseif(PART STREQUAL "private_header")
  # A header that reaches a private one, as those would that are not public.
  file(WRITE ${WORK}/wrong/metalaudio/dsp/wrong.h "#include <metalaudio/dsp/fft/fft_impl.h>\n")
  configure(private_header "" "^$" -S ${CMAKE_CURRENT_LIST_DIR}/headers
    -DFOLDER=${WORK}/wrong -DHEADERS=metalaudio/dsp/wrong.h)
  run(${CMAKE_COMMAND} --build ${WORK}/private_header)

elseif(PART STREQUAL "modules")
  configure(modules "${program_packages}" "${program_modules}" -S ${CMAKE_CURRENT_LIST_DIR}/modules
    "-DMODULES=${modules}")
  run(${CMAKE_COMMAND} --build ${WORK}/modules)
  foreach(module core dsp nn onnx repository)
    run(${WORK}/modules/use_${module})
  endforeach()
  set(network ${SOURCE}/tests/golden/htdemucs/htdemucs.model.safetensors)
  run(${WORK}/modules/use_models ${network})
  write_song()
  file(REMOVE_RECURSE ${WORK}/stems)
  file(MAKE_DIRECTORY ${WORK}/stems)
  run(${WORK}/modules/use_separation ${network} ${WORK}/song.wav ${WORK}/stems)
  foreach(stem drums bass other vocals)
    file(SIZE ${WORK}/stems/${stem}.wav bytes)
    if(bytes LESS 32000)  # the second, in stereo at the model's 8 kHz and 16 bits
      message(FATAL_ERROR "${stem}.wav has ${bytes} bytes")
    endif()
  endforeach()

elseif(PART STREQUAL "few_dependencies")
  configure(few_dependencies "${other_packages}" "${other_modules}"
    -S ${CMAKE_CURRENT_LIST_DIR}/modules -DMODULES=dsp)
  run(${CMAKE_COMMAND} --build ${WORK}/few_dependencies)
  run(${WORK}/few_dependencies/use_dsp)

elseif(PART STREQUAL "many_dependencies")
  configure(many_dependencies "${other_packages}" "${other_modules}"
    -S ${CMAKE_CURRENT_LIST_DIR}/modules -DMODULES=audio)

elseif(PART STREQUAL "unknown_component")
  configure(unknown_component "" "^$" -S ${CMAKE_CURRENT_LIST_DIR}/modules -DMODULES=graphics)

elseif(PART STREQUAL "c_project")
  # A project in C alone, on a machine without the packages of the modules; by CMake and by pkg-config.
  configure(c_project "${program_packages} ${other_packages}" "${program_modules}|${other_modules}"
    -S ${CMAKE_CURRENT_LIST_DIR}/c_project)
  run(${CMAKE_COMMAND} --build ${WORK}/c_project)
  run(${WORK}/c_project/use_c)
  file(GLOB_RECURSE pc ${prefix}/metalaudio.pc)
  cmake_path(GET pc PARENT_PATH folder)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${folder}
    pkg-config --cflags --libs metalaudio OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run(cc ${CMAKE_CURRENT_LIST_DIR}/c_project/use_c.c -o ${WORK}/c_project/by_pkg_config ${flags})
  file(GLOB_RECURSE library ${prefix}/libmetalaudio.so)
  cmake_path(GET library PARENT_PATH folder)
  run(${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${folder} ${WORK}/c_project/by_pkg_config)

elseif(PART STREQUAL "plug_in_links")
  must_not_link(use_core use_dsp use_nn use_models)

elseif(PART STREQUAL "repository_links")
  must_not_link(use_repository)

elseif(PART STREQUAL "program")
  # Somewhere else, for a user who has nothing: only what was installed can be found. Without the
  # model there is none, which shows that it was not the source tree's.
  write_song()
  set(elsewhere ${WORK}/elsewhere)
  file(REMOVE_RECURSE ${elsewhere})
  file(COPY ${prefix}/bin ${prefix}/share DESTINATION ${elsewhere})
  file(MAKE_DIRECTORY ${elsewhere}/home)
  set(separate ${CMAKE_COMMAND} -E env --unset=METALAUDIO_MODEL_DIR --unset=XDG_DATA_HOME HOME=${elsewhere}/home
    ${elsewhere}/bin/metalaudio separate ${WORK}/song.wav -o ${elsewhere}/out)
  run(${separate})
  file(GLOB_RECURSE stems ${elsewhere}/out/*.wav)
  list(LENGTH stems count)
  if(NOT count EQUAL 6)
    message(FATAL_ERROR "${count} stems: ${stems}")
  endif()
  foreach(amp preamp preamp_lstm)
    run(${elsewhere}/bin/metalaudio amp ${amp} ${WORK}/song.wav -o ${elsewhere}/out/${amp}.wav)
  endforeach()
  file(REMOVE_RECURSE ${elsewhere}/share ${elsewhere}/out)
  execute_process(COMMAND ${separate} RESULT_VARIABLE result ERROR_VARIABLE text)
  if(result EQUAL 0)
    message(FATAL_ERROR "The program found a model where none was installed")
  endif()
  message(STATUS "Without the model: ${text}")

else()
  message(FATAL_ERROR "There is no part ${PART}")
endif()
