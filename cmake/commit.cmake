# Writes a source file that knows the commit of a source tree, if it would change.
# usage: cmake -D SOURCE=tree -D OUTPUT=file [-D COMMIT=text] -P commit.cmake
# The commit is COMMIT, what git says of the tree, or what `git archive` left in cmake/commit.txt.
cmake_minimum_required(VERSION 3.25)

# git(VARIABLE ARGUMENTS …): what it prints; empty where it fails. A tree of somebody else's is read too.
function(git variable)
  set(${variable} "" PARENT_SCOPE)
  find_program(GIT git)
  if(GIT)
    execute_process(COMMAND ${GIT} -c safe.directory=* --no-optional-locks -C ${SOURCE} ${ARGN}
      RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(result EQUAL 0)
      set(${variable} "${text}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Unpacked within another repository, the tree has no commit of its own there.
git(below rev-parse --show-cdup)
git(commit log -1 "--format=%H %cs")
set(modified "")
if(commit AND below STREQUAL "")
  git(changes status --porcelain --untracked-files=no)
  if(changes)
    set(modified ", modified")
  endif()
elseif(EXISTS ${SOURCE}/cmake/commit.txt)
  file(READ ${SOURCE}/cmake/commit.txt commit)
else()
  set(commit "")
endif()

if(COMMIT)
  set(text "${COMMIT}")
elseif(commit MATCHES "^([0-9a-f]+) ([0-9-]+)")
  string(SUBSTRING ${CMAKE_MATCH_1} 0 12 text)
  string(APPEND text " (${CMAKE_MATCH_2})${modified}")
else()
  set(text "unknown")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [=[#include "apps/commands/versions.h"

namespace metalaudio::apps {

const char* commit_text() { return "@text@"; }

}  // namespace metalaudio::apps
]=])
