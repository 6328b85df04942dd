#include <metalaudio/dsp/fft.h>
