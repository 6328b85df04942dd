# Manual pages, which the program writes from its own help, and completion for shells.
include(GNUInstallDirs)

set(manual ${CMAKE_BINARY_DIR}/manual)
find_program(METALAUDIO_GZIP gzip REQUIRED)
add_custom_command(OUTPUT ${manual}/done
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${manual}
  # Defaults below a home are shown as everybody's.
  COMMAND ${CMAKE_COMMAND} -E env HOME=~ --unset=XDG_CONFIG_HOME --unset=XDG_DATA_HOME
    $<TARGET_FILE:metalaudio_cli> manual ${manual}
  COMMAND sh -c "\"$@\" \"$0\"/*.1" ${manual} ${METALAUDIO_GZIP} -9n
  COMMAND ${CMAKE_COMMAND} -E touch ${manual}/done
  DEPENDS metalaudio_cli COMMENT "Writing the manual pages" VERBATIM)
add_custom_target(metalaudio_manual ALL DEPENDS ${manual}/done)
install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime FILES_MATCHING PATTERN "*.1.gz")

# Where each shell looks by itself. zsh has one folder for the packages of a system, another for the rest.
set(completion ${PROJECT_SOURCE_DIR}/apps/completion)
install(FILES ${completion}/metalaudio.bash RENAME metalaudio COMPONENT runtime
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completion}/metalaudio.fish COMPONENT runtime
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(CODE "
  set(folder site-functions)
  if(CMAKE_INSTALL_PREFIX MATCHES \"/usr$\")
    set(folder vendor-completions)
  endif()
  file(INSTALL ${completion}/_metalaudio DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${folder}\")"
  COMPONENT runtime)
