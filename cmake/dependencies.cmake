# Every library here is a Debian package; tools/setup.sh installs them. There is a file for each
# module that has some, which the installed package reads for the components that are asked for.
file(GLOB dependency_files ${CMAKE_CURRENT_LIST_DIR}/dependencies/*.cmake)
foreach(file IN LISTS dependency_files)
  include(${file})
endforeach()
