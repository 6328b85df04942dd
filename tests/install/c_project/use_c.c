#include <metalaudio.h>

#include <stdio.h>

int main(void) {
  metalaudio_separator* separator = NULL;
  if (metalaudio_separator_load("demo_6s", NULL, &separator) != METALAUDIO_OK) {
    printf("%s\n", metalaudio_last_error());
    return 1;
  }
  printf("%zu stems\n", metalaudio_separator_stems(separator));
  metalaudio_separator_free(separator);
  return 0;
}
