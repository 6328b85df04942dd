if(METALAUDIO_SANITIZE)
  add_compile_options(-fsanitize=${METALAUDIO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${METALAUDIO_SANITIZE})
endif()
