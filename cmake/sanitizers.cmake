if(METALAUDIO_SANITIZE)
  # GCC follows every variable through the inlined SIMD code for minutes; nobody debugs that.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fno-var-tracking)
  endif()
  add_compile_options(-fsanitize=${METALAUDIO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${METALAUDIO_SANITIZE})
endif()
