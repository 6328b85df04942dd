#include <metalaudio/models/htdemucs/cuda/frames.h>
