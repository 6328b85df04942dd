# What cmake/commit.cmake says of trees of several kinds.
# usage: cmake -D SOURCE=… -D WORK=… -P commit.cmake
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${WORK})
set(tree ${WORK}/tree)
file(COPY ${SOURCE}/cmake/commit.cmake ${SOURCE}/cmake/commit.txt DESTINATION ${tree}/cmake)
file(COPY ${SOURCE}/.gitattributes DESTINATION ${tree})
set(ENV{GIT_CONFIG_GLOBAL} /dev/null)
set(ENV{GIT_COMMITTER_DATE} "2026-01-31T12:00:00Z")

function(git folder)
  execute_process(COMMAND git -C ${folder} -c user.name=a -c user.email=a@b ${ARGN}
    OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(said "${text}" PARENT_SCOPE)
endfunction()

# expect(TREE TEXT [DEFINITIONS …]): the text of the commit of a tree.
function(expect folder text)
  execute_process(COMMAND ${CMAKE_COMMAND} -D SOURCE=${folder} -D OUTPUT=${WORK}/commit.cpp ${ARGN}
    -P ${folder}/cmake/commit.cmake COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${WORK}/commit.cpp written)
  if(NOT written MATCHES "return \"([^\"]*)\"" OR NOT CMAKE_MATCH_1 STREQUAL text)
    message(SEND_ERROR "${folder}: \"${CMAKE_MATCH_1}\": expected \"${text}\"")
  endif()
endfunction()

expect(${tree} "unknown")
expect(${tree} "1.2-3" -D COMMIT=1.2-3)
git(${tree} init -q)
git(${tree} add .)
git(${tree} commit -q -m "One")
git(${tree} rev-parse --short=12 HEAD)
set(clean "${said} (2026-01-31)")
expect(${tree} "${clean}")

# A file that says the same is not written again, so that nothing is compiled.
execute_process(COMMAND touch -d @1 ${WORK}/commit.cpp)
expect(${tree} "${clean}")
file(TIMESTAMP ${WORK}/commit.cpp after "%s")
if(NOT after STREQUAL "1")
  message(SEND_ERROR "commit.cpp was written again though nothing changed")
endif()

git(${WORK} clone -q ${tree} clone)
expect(${WORK}/clone "${clean}")
file(APPEND ${WORK}/clone/cmake/commit.txt "\n")
expect(${WORK}/clone "${clean}, modified")
git(${tree} worktree add -q ${WORK}/worktree)
expect(${WORK}/worktree "${clean}")
file(WRITE ${tree}/untracked "")
expect(${tree} "${clean}")

# A tarball knows it without git, below another repository too; and a copy without either says so.
git(${tree} archive --prefix=archive/ -o ${WORK}/archive.tar HEAD)
execute_process(COMMAND ${CMAKE_COMMAND} -E tar xf ${WORK}/archive.tar WORKING_DIRECTORY ${WORK})
expect(${WORK}/archive "${clean}")
file(COPY ${WORK}/archive DESTINATION ${WORK}/clone)
expect(${WORK}/clone/archive "${clean}")
file(MAKE_DIRECTORY ${WORK}/clone/copy)
file(COPY ${SOURCE}/cmake/commit.cmake DESTINATION ${WORK}/clone/copy/cmake)
expect(${WORK}/clone/copy "unknown")
