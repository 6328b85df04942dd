/* MetalAudio for C, and for whatever calls C: separation, ONNX graphs, neural amps, FFT, convolution.
 *
 * Every function that can fail returns a status, and metalaudio_last_error() has the reason in one
 * line until the next call on the same thread. No exception leaves the library. What a function
 * makes is an opaque handle that its *_free() takes back (NULL is allowed there). A NULL where data
 * is needed and a size that does not fit are METALAUDIO_INVALID_ARGUMENT.
 *
 * Samples are float32, full scale is +-1, and each channel is an array of its own ("planar").
 * A handle is for one thread at a time; different handles may be used at once. The functions marked
 * "Real-time" allocate nothing, take no lock and make no system call as long as they succeed, from
 * the second call of any function on a thread (the first makes room for metalaudio_last_error()).
 */
#ifndef METALAUDIO_H
#define METALAUDIO_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define METALAUDIO_API __attribute__((visibility("default")))
#else
#define METALAUDIO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum metalaudio_status {
  METALAUDIO_OK = 0,
  METALAUDIO_INVALID_ARGUMENT = 1,
  METALAUDIO_INVALID_DATA = 2, /* a file or a buffer holds what it must not */
  METALAUDIO_NOT_FOUND = 3,
  METALAUDIO_UNSUPPORTED = 4,
  METALAUDIO_IO = 5,
  METALAUDIO_BACKEND_UNAVAILABLE = 6,
  METALAUDIO_OUT_OF_MEMORY = 7,
  METALAUDIO_CANCELLED = 8,
  METALAUDIO_INTERNAL = 9 /* a fault of this library */
} metalaudio_status;

typedef enum metalaudio_precision {
  METALAUDIO_FP32 = 0,
  METALAUDIO_BF16 = 1, /* products in bfloat16, sums in float32 */
  METALAUDIO_TF32 = 2, /* products of 10 bits on a GPU, sums in float32; float32 on the CPU */
  METALAUDIO_FP16 = 3, /* halves on a GPU, sums in float32; float32 on the CPU */
  METALAUDIO_AUTO_PRECISION = 4 /* FP16 on a GPU, FP32 on the CPU */
} metalaudio_precision;

/* "0.1.0" */
METALAUDIO_API const char* metalaudio_version(void);
/* Why the last call on this thread failed; "" after one that succeeded. Lives until the next. */
METALAUDIO_API const char* metalaudio_last_error(void);
/* "invalid_argument" */
METALAUDIO_API const char* metalaudio_status_name(metalaudio_status status);

/* ---- Separation of music into stems ------------------------------------------------------------ */

typedef struct metalaudio_separator metalaudio_separator;

typedef struct metalaudio_load_options {
  size_t struct_size; /* of this struct, as the caller knows it */
  const char* folder; /* where to look for the model, and nowhere else; NULL: the usual places */
  size_t threads;     /* 0: as many as it may use cores, or OMP_NUM_THREADS where that is fewer */
  metalaudio_precision precision;
  const char*
      device; /* "cpu" or NULL, "cuda", "cuda:1", "cuda:0,cuda:1", or "auto": a GPU where one
                         answers; METALAUDIO_BACKEND_UNAVAILABLE where a GPU that is named does not */
} metalaudio_load_options;
#define METALAUDIO_LOAD_OPTIONS \
  { sizeof(metalaudio_load_options), NULL, 0, METALAUDIO_FP32, NULL }

typedef struct metalaudio_separation_options {
  size_t struct_size;
  int shifts;             /* runs on the mix delayed by different times, which are averaged */
  uint64_t seed;          /* draws the delays */
  double overlap;         /* of neighbouring segments, 0 to below 1 */
  double segment_seconds; /* 0: what the model was trained with; otherwise shorter */
} metalaudio_separation_options;
#define METALAUDIO_SEPARATION_OPTIONS \
  { sizeof(metalaudio_separation_options), 1, 0, 0.25, 0.0 }

/* Called after each segment, on the thread that separates; anything but 0 cancels. */
typedef int (*metalaudio_progress)(void* user, size_t done, size_t total);

/* model: a name ("htdemucs"), or the path of a .th, .safetensors or bag's .yaml file; NULL: the
 * default, which is the model that ships where nothing else is installed. options may be NULL. */
METALAUDIO_API metalaudio_status metalaudio_separator_load(const char* model,
                                                           const metalaudio_load_options* options,
                                                           metalaudio_separator** separator);
METALAUDIO_API void metalaudio_separator_free(metalaudio_separator* separator);

METALAUDIO_API int metalaudio_separator_sample_rate_hz(const metalaudio_separator* separator);
METALAUDIO_API size_t metalaudio_separator_channels(const metalaudio_separator* separator);
/* Where it computes: "cpu", or "cuda:0 (NVIDIA H100)". It lives as long as the separator. */
METALAUDIO_API const char* metalaudio_separator_device(const metalaudio_separator* separator);
METALAUDIO_API size_t metalaudio_separator_stems(const metalaudio_separator* separator);
/* "vocals"; NULL past the last. It lives as long as the separator. */
METALAUDIO_API const char* metalaudio_separator_stem_name(const metalaudio_separator* separator,
                                                          size_t stem);

/* mix[channels] of `frames` samples each, at the model's rate; stems[stem * channels + channel] of
 * as many, stem_channels pointers in all. A stem whose pointers are all NULL is not computed.
 * options, progress and user may be NULL. After METALAUDIO_CANCELLED the stems are incomplete. */
METALAUDIO_API metalaudio_status metalaudio_separator_separate(
    metalaudio_separator* separator, const float* const* mix, size_t channels, size_t frames,
    float* const* stems, size_t stem_channels, const metalaudio_separation_options* options,
    metalaudio_progress progress, void* user);

/* ---- ONNX models ------------------------------------------------------------------------------- */

typedef struct metalaudio_graph metalaudio_graph;
typedef struct metalaudio_graph_options metalaudio_graph_options;

typedef enum metalaudio_type {
  METALAUDIO_F16 = 0,
  METALAUDIO_BFLOAT16 = 1,
  METALAUDIO_F32 = 2,
  METALAUDIO_F64 = 3,
  METALAUDIO_I8 = 4,
  METALAUDIO_I16 = 5,
  METALAUDIO_I32 = 6,
  METALAUDIO_I64 = 7,
  METALAUDIO_U8 = 8,
  METALAUDIO_U16 = 9,
  METALAUDIO_U32 = 10,
  METALAUDIO_U64 = 11,
  METALAUDIO_BOOL = 12 /* a byte, 0 or 1 */
} metalaudio_type;

#define METALAUDIO_MAX_RANK 8

/* An input or output; the name lives as long as the graph. */
typedef struct metalaudio_port {
  const char* name;
  metalaudio_type type;
  size_t rank;
  int64_t shape[METALAUDIO_MAX_RANK];
  size_t bytes; /* of all elements */
} metalaudio_port;

/* Elements in row-major order, and their size, which is checked. */
typedef struct metalaudio_input {
  const void* data;
  size_t bytes;
} metalaudio_input;
typedef struct metalaudio_output {
  void* data;
  size_t bytes;
} metalaudio_output;

METALAUDIO_API metalaudio_status
metalaudio_graph_options_create(metalaudio_graph_options** options);
METALAUDIO_API void metalaudio_graph_options_free(metalaudio_graph_options* options);
/* The input is no input any more but this number, in the input's own type. */
METALAUDIO_API metalaudio_status metalaudio_graph_bind_number(metalaudio_graph_options* options,
                                                              const char* input, double value);
/* The same for a tensor, which is copied. */
METALAUDIO_API metalaudio_status metalaudio_graph_bind_tensor(metalaudio_graph_options* options,
                                                              const char* input,
                                                              metalaudio_type type,
                                                              const int64_t* shape, size_t rank,
                                                              metalaudio_input value);
METALAUDIO_API metalaudio_status metalaudio_graph_set_input_shape(metalaudio_graph_options* options,
                                                                  const char* input,
                                                                  const int64_t* shape,
                                                                  size_t rank);
/* What a symbol in the shapes of inputs ("batch") stands for. */
METALAUDIO_API metalaudio_status metalaudio_graph_set_dimension(metalaudio_graph_options* options,
                                                                const char* symbol, int64_t extent);
/* The input is what the output was in the run before, and zero at first. */
METALAUDIO_API metalaudio_status metalaudio_graph_link_state(metalaudio_graph_options* options,
                                                             const char* output, const char* input);
METALAUDIO_API metalaudio_status metalaudio_graph_set_precision(metalaudio_graph_options* options,
                                                                metalaudio_precision precision);

/* options may be NULL, and may be freed afterwards. */
METALAUDIO_API metalaudio_status metalaudio_graph_load(const char* path,
                                                       const metalaudio_graph_options* options,
                                                       metalaudio_graph** graph);
METALAUDIO_API metalaudio_status
metalaudio_graph_load_memory(const void* bytes, size_t size,
                             const metalaudio_graph_options* options, metalaudio_graph** graph);
/* A second one that shares the weights; its states are the initial ones. */
METALAUDIO_API metalaudio_status metalaudio_graph_clone(const metalaudio_graph* graph,
                                                        metalaudio_graph** clone);
METALAUDIO_API void metalaudio_graph_free(metalaudio_graph* graph);

METALAUDIO_API size_t metalaudio_graph_inputs(const metalaudio_graph* graph);
METALAUDIO_API size_t metalaudio_graph_outputs(const metalaudio_graph* graph);
METALAUDIO_API metalaudio_status metalaudio_graph_input(const metalaudio_graph* graph, size_t index,
                                                        metalaudio_port* port);
METALAUDIO_API metalaudio_status metalaudio_graph_output(const metalaudio_graph* graph,
                                                         size_t index, metalaudio_port* port);
/* One step, in the order of the ports. Real-time. */
METALAUDIO_API metalaudio_status metalaudio_graph_predict(metalaudio_graph* graph,
                                                          const metalaudio_input* inputs,
                                                          size_t input_count,
                                                          const metalaudio_output* outputs,
                                                          size_t output_count);
/* The states as they were at first. Real-time. */
METALAUDIO_API metalaudio_status metalaudio_graph_reset(metalaudio_graph* graph);

/* ---- Neural amps ------------------------------------------------------------------------------- */

typedef struct metalaudio_amp metalaudio_amp;

/* A .nam file, RTNeural's or GuitarML's JSON; 1 or 2 channels, each with a state of its own. */
METALAUDIO_API metalaudio_status metalaudio_amp_load(const char* path, size_t channels,
                                                     metalaudio_amp** amp);
METALAUDIO_API void metalaudio_amp_free(metalaudio_amp* amp);
/* The rate that it was trained at; 0 where it does not say. */
METALAUDIO_API double metalaudio_amp_sample_rate_hz(const metalaudio_amp* amp);
METALAUDIO_API size_t metalaudio_amp_latency_samples(const metalaudio_amp* amp);
/* Its knobs, which are 0 until set. */
METALAUDIO_API size_t metalaudio_amp_controls(const metalaudio_amp* amp);
METALAUDIO_API metalaudio_status metalaudio_amp_set_control(metalaudio_amp* amp, size_t control,
                                                            float value);
/* in and out may be the same. Real-time. A block that holds a sample that is not finite comes out
 * silent, as METALAUDIO_INVALID_DATA. */
METALAUDIO_API metalaudio_status metalaudio_amp_process(metalaudio_amp* amp, const float* const* in,
                                                        float* const* out, size_t channels,
                                                        size_t frames);
METALAUDIO_API metalaudio_status metalaudio_amp_reset(metalaudio_amp* amp);

/* ---- Fourier transforms ------------------------------------------------------------------------ */

typedef struct metalaudio_fft metalaudio_fft;

/* A real transform of any size from 1 to 2^27. */
METALAUDIO_API metalaudio_status metalaudio_fft_create(size_t size, metalaudio_fft** fft);
METALAUDIO_API void metalaudio_fft_free(metalaudio_fft* fft);
/* size / 2 + 1 */
METALAUDIO_API size_t metalaudio_fft_bins(const metalaudio_fft* fft);
/* x[size] -> spectrum[2 * bins]: real and imaginary parts in turns; unscaled. Real-time. */
METALAUDIO_API metalaudio_status metalaudio_fft_forward(metalaudio_fft* fft, const float* x,
                                                        size_t size, float* spectrum, size_t bins);
/* And back, divided by the size. Real-time. */
METALAUDIO_API metalaudio_status metalaudio_fft_inverse(metalaudio_fft* fft, const float* spectrum,
                                                        size_t bins, float* x, size_t size);

/* ---- Convolution ------------------------------------------------------------------------------- */

typedef struct metalaudio_convolution metalaudio_convolution;

/* responses[channels] of `taps` samples each: one for every channel; as many as inputs, one to one;
 * or inputs * outputs, a row of the matrix for each input. */
METALAUDIO_API metalaudio_status
metalaudio_convolution_create(const float* const* responses, size_t channels, size_t taps,
                              size_t inputs, size_t outputs, metalaudio_convolution** convolution);
METALAUDIO_API void metalaudio_convolution_free(metalaudio_convolution* convolution);
METALAUDIO_API size_t
metalaudio_convolution_latency_samples(const metalaudio_convolution* convolution);
/* Any number of frames; the output does not depend on how the input is cut. Real-time. Samples that
 * are not finite count as silence, and the status is METALAUDIO_INVALID_DATA. */
METALAUDIO_API metalaudio_status metalaudio_convolution_process(metalaudio_convolution* convolution,
                                                                const float* const* in,
                                                                size_t inputs, float* const* out,
                                                                size_t outputs, size_t frames);
/* Cross-fades to other responses; may be called while another thread processes. */
METALAUDIO_API metalaudio_status metalaudio_convolution_swap(metalaudio_convolution* convolution,
                                                             const float* const* responses,
                                                             size_t channels, size_t taps);
METALAUDIO_API metalaudio_status metalaudio_convolution_reset(metalaudio_convolution* convolution);

#ifdef __cplusplus
}
#endif

#endif /* METALAUDIO_H */
