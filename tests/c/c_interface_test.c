/* The C interface from a program in C: what each function does, and what it says to bad arguments.
 * usage: c_interface_test NETWORK FOLDER    (a small network's file, and a folder to write in) */
#include <metalaudio.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) {                                                     \
      printf("%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, \
             metalaudio_last_error());                                      \
      ++failures;                                                           \
    }                                                                       \
  } while (0)
#define OK(call) CHECK((call) == METALAUDIO_OK && metalaudio_last_error()[0] == '\0')
/* Refused, with a reason. */
#define REFUSED(status, call) CHECK((call) == (status) && metalaudio_last_error()[0] == '[')

static const char* network;
static char path[4096];

static const char* in_folder(const char* folder, const char* name) {
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

static void test_errors(void) {
  metalaudio_fft* fft = NULL;
  CHECK(strcmp(metalaudio_version(), METALAUDIO_VERSION) == 0);
  CHECK(strcmp(metalaudio_status_name(METALAUDIO_NOT_FOUND), "not_found") == 0);
  CHECK(strcmp(metalaudio_status_name((metalaudio_status)99), "internal") == 0);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_create(0, &fft));
  CHECK(fft == NULL);
  CHECK(strstr(metalaudio_last_error(), "size 0") != NULL);
  OK(metalaudio_fft_create(8, &fft));
  CHECK(metalaudio_last_error()[0] == '\0');
  metalaudio_fft_free(fft);
}

static void test_fft(void) {
  enum { kSize = 12, kBins = kSize / 2 + 1 };
  metalaudio_fft* fft = NULL;
  float x[kSize];
  float back[kSize];
  float spectrum[2 * kBins];
  int i;
  int k;
  for (i = 0; i < kSize; ++i) x[i] = (float)(i % 5) - 1.5F;
  OK(metalaudio_fft_create(kSize, &fft));
  CHECK(metalaudio_fft_bins(fft) == kBins);
  OK(metalaudio_fft_forward(fft, x, kSize, spectrum, kBins));
  for (k = 0; k < kBins; ++k) {
    double re = 0.0;
    double im = 0.0;
    for (i = 0; i < kSize; ++i) {
      re += x[i] * cos(2.0 * 3.14159265358979 * k * i / kSize);
      im -= x[i] * sin(2.0 * 3.14159265358979 * k * i / kSize);
    }
    /* twelve samples of up to 2.5, in float32 */
    CHECK(fabs(spectrum[2 * k] - re) < 1e-5 && fabs(spectrum[2 * k + 1] - im) < 1e-5);
  }
  OK(metalaudio_fft_inverse(fft, spectrum, kBins, back, kSize));
  for (i = 0; i < kSize; ++i) CHECK(fabsf(back[i] - x[i]) < 1e-6F);

  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_create(8, NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_forward(NULL, x, kSize, spectrum, kBins));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_forward(fft, NULL, kSize, spectrum, kBins));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_forward(fft, x, kSize, NULL, kBins));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_forward(fft, x, kSize - 1, spectrum, kBins));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_forward(fft, x, kSize, spectrum, kSize));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_inverse(fft, NULL, kBins, back, kSize));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_inverse(fft, spectrum, kBins, NULL, kSize));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_fft_inverse(fft, spectrum, kBins, back, 4));
  CHECK(metalaudio_fft_bins(NULL) == 0);
  metalaudio_fft_free(fft);
  metalaudio_fft_free(NULL);
}

static void test_convolution(void) {
  const float response[3] = {1.0F, 0.5F, -0.25F};
  const float other[3] = {2.0F, 0.0F, 0.0F};
  const float* responses[2];
  const float x[6] = {1.0F, 0.0F, 0.0F, 2.0F, 0.0F, 0.0F};
  const float expected[6] = {1.0F, 0.5F, -0.25F, 2.0F, 1.0F, -0.5F};
  const float bad[2] = {NAN, 0.0F};
  float y[6];
  const float* in[1];
  float* out[1];
  metalaudio_convolution* convolution = NULL;
  int i;
  responses[0] = response;
  responses[1] = NULL;
  OK(metalaudio_convolution_create(responses, 1, 3, 1, 1, &convolution));
  CHECK(metalaudio_convolution_latency_samples(convolution) == 0);
  for (i = 0; i < 6; i += 2) { /* in blocks of two */
    in[0] = x + i;
    out[0] = y + i;
    OK(metalaudio_convolution_process(convolution, in, 1, out, 1, 2));
  }
  for (i = 0; i < 6; ++i) CHECK(fabsf(y[i] - expected[i]) < 1e-6F);
  in[0] = bad;
  REFUSED(METALAUDIO_INVALID_DATA, metalaudio_convolution_process(convolution, in, 1, out, 1, 2));
  OK(metalaudio_convolution_reset(convolution));
  in[0] = x;
  out[0] = y;
  OK(metalaudio_convolution_process(convolution, in, 1, out, 1, 6));
  for (i = 0; i < 6; ++i) CHECK(fabsf(y[i] - expected[i]) < 1e-6F);
  OK(metalaudio_convolution_process(convolution, in, 1, out, 1, 0));

  responses[0] = other;
  OK(metalaudio_convolution_swap(convolution, responses, 1, 3));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_convolution_swap(convolution, NULL, 1, 3));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_convolution_swap(convolution, responses, 1, 0));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_convolution_swap(NULL, responses, 1, 3));

  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_convolution_process(NULL, in, 1, out, 1, 6));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_process(convolution, NULL, 1, out, 1, 6));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_process(convolution, in, 1, NULL, 1, 6));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_process(convolution, in, 2, out, 1, 6));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_process(convolution, in, 1, out, 0, 6));
  in[0] = NULL;
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_process(convolution, in, 1, out, 1, 6));
  OK(metalaudio_convolution_reset(convolution));
  metalaudio_convolution_free(convolution);
  metalaudio_convolution_free(NULL);

  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_convolution_create(responses, 1, 3, 1, 1, NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_create(NULL, 1, 3, 1, 1, &convolution));
  REFUSED(
      METALAUDIO_INVALID_ARGUMENT,
      metalaudio_convolution_create(responses, 2, 3, 1, 1, &convolution)); /* a NULL among them */
  responses[1] = response;
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_convolution_create(responses, 2, 3, 3, 1, &convolution)); /* no such matrix */
  CHECK(convolution == NULL);
}

/* y = gain * x + s, t = s + x; x[1, n], s[1, n]. */
static const unsigned char kModel[171] = {
    0x08, 0x08, 0x12, 0x00, 0x3a, 0x9e, 0x01, 0x0a, 0x11, 0x0a, 0x04, 0x67, 0x61, 0x69, 0x6e, 0x0a,
    0x01, 0x78, 0x12, 0x01, 0x61, 0x22, 0x03, 0x4d, 0x75, 0x6c, 0x0a, 0x0e, 0x0a, 0x01, 0x61, 0x0a,
    0x01, 0x73, 0x12, 0x01, 0x79, 0x22, 0x03, 0x41, 0x64, 0x64, 0x0a, 0x0e, 0x0a, 0x01, 0x73, 0x0a,
    0x01, 0x78, 0x12, 0x01, 0x74, 0x22, 0x03, 0x41, 0x64, 0x64, 0x12, 0x01, 0x67, 0x5a, 0x14, 0x0a,
    0x01, 0x78, 0x12, 0x0f, 0x0a, 0x0d, 0x08, 0x01, 0x12, 0x09, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x03,
    0x12, 0x01, 0x6e, 0x5a, 0x0e, 0x0a, 0x04, 0x67, 0x61, 0x69, 0x6e, 0x12, 0x06, 0x0a, 0x04, 0x08,
    0x01, 0x12, 0x00, 0x5a, 0x14, 0x0a, 0x01, 0x73, 0x12, 0x0f, 0x0a, 0x0d, 0x08, 0x01, 0x12, 0x09,
    0x0a, 0x02, 0x08, 0x01, 0x0a, 0x03, 0x12, 0x01, 0x6e, 0x62, 0x14, 0x0a, 0x01, 0x79, 0x12, 0x0f,
    0x0a, 0x0d, 0x08, 0x01, 0x12, 0x09, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x03, 0x12, 0x01, 0x6e, 0x62,
    0x14, 0x0a, 0x01, 0x74, 0x12, 0x0f, 0x0a, 0x0d, 0x08, 0x01, 0x12, 0x09, 0x0a, 0x02, 0x08, 0x01,
    0x0a, 0x03, 0x12, 0x01, 0x6e, 0x42, 0x04, 0x0a, 0x00, 0x10, 0x11};

static void test_graph(const char* folder) {
  const int64_t shape[2] = {1, 2};
  const float gain = 3.0F;
  const float x[2] = {1.0F, 2.0F};
  float y[2];
  float tensor_value[2] = {5.0F, 6.0F};
  metalaudio_graph_options* options = NULL;
  metalaudio_graph* graph = NULL;
  metalaudio_graph* clone = NULL;
  metalaudio_port port;
  metalaudio_input input;
  metalaudio_output output;
  FILE* file;
  input.data = x;
  input.bytes = sizeof(x);
  output.data = y;
  output.bytes = sizeof(y);

  OK(metalaudio_graph_options_create(&options));
  OK(metalaudio_graph_bind_number(options, "gain", gain));
  OK(metalaudio_graph_set_input_shape(options, "x", shape, 2));
  OK(metalaudio_graph_set_dimension(options, "n", 2));
  OK(metalaudio_graph_link_state(options, "t", "s"));
  OK(metalaudio_graph_set_precision(options, METALAUDIO_FP32));
  file = fopen(in_folder(folder, "model.onnx"), "wb");
  CHECK(file != NULL && fwrite(kModel, 1, sizeof(kModel), file) == sizeof(kModel));
  if (file != NULL) fclose(file);
  OK(metalaudio_graph_load(path, options, &graph));
  if (graph == NULL) return;
  CHECK(metalaudio_graph_inputs(graph) == 1 && metalaudio_graph_outputs(graph) == 1);
  OK(metalaudio_graph_input(graph, 0, &port));
  CHECK(strcmp(port.name, "x") == 0 && port.type == METALAUDIO_F32 && port.rank == 2 &&
        port.shape[0] == 1 && port.shape[1] == 2 && port.bytes == sizeof(x));
  OK(metalaudio_graph_output(graph, 0, &port));
  CHECK(strcmp(port.name, "y") == 0);
  OK(metalaudio_graph_predict(graph, &input, 1, &output, 1));
  CHECK(y[0] == 3.0F && y[1] == 6.0F);
  OK(metalaudio_graph_predict(graph, &input, 1, &output, 1));
  CHECK(y[0] == 4.0F && y[1] == 8.0F); /* with what the first step left */
  OK(metalaudio_graph_clone(graph, &clone));
  OK(metalaudio_graph_predict(clone, &input, 1, &output, 1));
  CHECK(y[0] == 3.0F && y[1] == 6.0F);
  OK(metalaudio_graph_reset(graph));
  OK(metalaudio_graph_predict(graph, &input, 1, &output, 1));
  CHECK(y[0] == 3.0F && y[1] == 6.0F);
  metalaudio_graph_free(clone);

  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(NULL, &input, 1, &output, 1));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(graph, NULL, 1, &output, 1));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(graph, &input, 1, NULL, 1));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(graph, &input, 0, &output, 1));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(graph, &input, 1, &output, 2));
  input.bytes = 4;
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(graph, &input, 1, &output, 1));
  CHECK(strstr(metalaudio_last_error(), "x: 4 bytes: expected 8") != NULL);
  input.bytes = sizeof(x);
  input.data = NULL;
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_predict(graph, &input, 1, &output, 1));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_input(graph, 1, &port));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_input(graph, 0, NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_output(NULL, 0, &port));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_clone(NULL, &clone));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_clone(graph, NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_reset(NULL));
  CHECK(metalaudio_graph_inputs(NULL) == 0 && metalaudio_graph_outputs(NULL) == 0);
  metalaudio_graph_free(graph);
  metalaudio_graph_free(NULL);

  /* A tensor for an input, and a model from memory. */
  input.data = tensor_value;
  OK(metalaudio_graph_bind_tensor(options, "x", METALAUDIO_F32, shape, 2, input));
  OK(metalaudio_graph_load_memory(kModel, sizeof(kModel), options, &graph));
  CHECK(metalaudio_graph_inputs(graph) == 0);
  OK(metalaudio_graph_predict(graph, NULL, 0, &output, 1));
  CHECK(y[0] == 15.0F && y[1] == 18.0F);
  metalaudio_graph_free(graph);
  input.bytes = 4;
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_graph_bind_tensor(options, "x", METALAUDIO_F32, shape, 2, input));
  input.bytes = sizeof(x);
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_graph_bind_tensor(options, "x", (metalaudio_type)13, shape, 2, input));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_graph_bind_tensor(options, "x", METALAUDIO_F32, NULL, 2, input));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_graph_bind_tensor(options, "x", METALAUDIO_F32, shape, 9, input));
  input.data = NULL;
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_graph_bind_tensor(options, "x", METALAUDIO_F32, shape, 2, input));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_bind_number(options, NULL, 1.0));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_bind_number(NULL, "x", 1.0));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_set_input_shape(options, "x", NULL, 2));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_set_dimension(options, NULL, 2));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_link_state(options, NULL, "s"));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_graph_set_precision(options, (metalaudio_precision)7));
  metalaudio_graph_options_free(options);
  metalaudio_graph_options_free(NULL);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_options_create(NULL));

  REFUSED(METALAUDIO_NOT_FOUND, metalaudio_graph_load("/no/such/model.onnx", NULL, &graph));
  CHECK(graph == NULL);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_load(NULL, NULL, &graph));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_load(path, NULL, NULL));
  REFUSED(METALAUDIO_INVALID_DATA, metalaudio_graph_load_memory("nonsense", 8, NULL, &graph));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_graph_load_memory(NULL, 8, NULL, &graph));
}

static void test_amp(const char* folder) {
  static const char kAmp[] =
      "{\"version\": \"0.5.4\", \"architecture\": \"Linear\", \"sample_rate\": 44100,"
      " \"config\": {\"receptive_field\": 2, \"bias\": false}, \"weights\": [0.5, 0.25]}";
  const float x[4] = {1.0F, 0.0F, 2.0F, 0.0F};
  const float bad[4] = {0.0F, INFINITY, 0.0F, 0.0F};
  float y[4];
  float first[4];
  const float* in[1];
  float* out[1];
  metalaudio_amp* amp = NULL;
  FILE* file = fopen(in_folder(folder, "amp.nam"), "wb");
  CHECK(file != NULL && fwrite(kAmp, 1, sizeof(kAmp) - 1, file) == sizeof(kAmp) - 1);
  if (file != NULL) fclose(file);
  in[0] = x;
  out[0] = y;
  OK(metalaudio_amp_load(path, 1, &amp));
  if (amp == NULL) return;
  CHECK(metalaudio_amp_sample_rate_hz(amp) == 44100.0);
  CHECK(metalaudio_amp_latency_samples(amp) == 0);
  CHECK(metalaudio_amp_controls(amp) == 0);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_set_control(amp, 0, 1.0F));
  OK(metalaudio_amp_process(amp, in, out, 1, 4));
  memcpy(first, y, sizeof(y));
  CHECK(fabsf(fabsf(first[0]) + fabsf(first[1]) - 0.75F) <
        1e-6F); /* both weights, whatever order */
  OK(metalaudio_amp_reset(amp));
  OK(metalaudio_amp_process(amp, in, out, 1, 4));
  CHECK(memcmp(first, y, sizeof(y)) == 0);
  in[0] = bad;
  REFUSED(METALAUDIO_INVALID_DATA, metalaudio_amp_process(amp, in, out, 1, 4));
  CHECK(y[0] == 0.0F && y[3] == 0.0F);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_process(amp, in, out, 2, 4));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_process(amp, NULL, out, 1, 4));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_process(amp, in, NULL, 1, 4));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_process(NULL, in, out, 1, 4));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_reset(NULL));
  metalaudio_amp_free(amp);
  metalaudio_amp_free(NULL);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_load(path, 3, &amp));
  CHECK(amp == NULL);
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_load(NULL, 1, &amp));
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_amp_load(path, 1, NULL));
  CHECK(metalaudio_amp_load("/no/such/amp.nam", 1, &amp) != METALAUDIO_OK);
}

static int count_segments(void* user, size_t done, size_t total) {
  size_t* const counts = user;
  counts[0] = done;
  counts[1] = total;
  return counts[2] != 0 && done == counts[2];
}

static void test_separation(void) {
  enum { kFrames = 30000, kMost = 16 };
  metalaudio_load_options load = METALAUDIO_LOAD_OPTIONS;
  metalaudio_separation_options options = METALAUDIO_SEPARATION_OPTIONS;
  metalaudio_separator* separator = NULL;
  const float* mix[2];
  float* stems[kMost];
  float* single[kMost];
  float* samples = malloc((2 + 2 * kMost) * kFrames * sizeof(float));
  size_t counts[3] = {0, 0, 0};
  size_t pointers;
  size_t i;
  CHECK(samples != NULL);
  load.threads = 1;
  OK(metalaudio_separator_load(network, &load, &separator));
  if (separator == NULL || samples == NULL) return;
  CHECK(metalaudio_separator_sample_rate_hz(separator) == 8000);
  CHECK(metalaudio_separator_channels(separator) == 2);
  CHECK(metalaudio_separator_stems(separator) == 4);
  CHECK(strcmp(metalaudio_separator_stem_name(separator, 3), "vocals") == 0);
  CHECK(metalaudio_separator_stem_name(separator, 4) == NULL);
  pointers = 2 * metalaudio_separator_stems(separator);
  for (i = 0; i < 2 * kFrames; ++i) samples[i] = (float)sin(0.01 * (double)i) * 0.3F;
  mix[0] = samples;
  mix[1] = samples + kFrames;
  for (i = 0; i < pointers; ++i) {
    stems[i] = samples + (2 + i) * kFrames;
    single[i] = NULL;
  }
  OK(metalaudio_separator_separate(separator, mix, 2, kFrames, stems, pointers, &options,
                                   count_segments, counts));
  CHECK(counts[0] == counts[1] && counts[1] > 1);
  for (i = 0; i < pointers; ++i) CHECK(isfinite(stems[i][0]) && isfinite(stems[i][kFrames - 1]));

  /* The vocals alone are the same vocals. */
  single[6] = samples + (2 + kMost) * kFrames;
  single[7] = samples + (3 + kMost) * kFrames;
  OK(metalaudio_separator_separate(separator, mix, 2, kFrames, single, pointers, NULL, NULL, NULL));
  CHECK(memcmp(single[6], stems[6], kFrames * sizeof(float)) == 0);
  CHECK(memcmp(single[7], stems[7], kFrames * sizeof(float)) == 0);

  counts[2] = 1;
  REFUSED(METALAUDIO_CANCELLED,
          metalaudio_separator_separate(separator, mix, 2, kFrames, stems, pointers, NULL,
                                        count_segments, counts));
  single[6] = NULL;
  REFUSED(METALAUDIO_INVALID_ARGUMENT, /* one channel of the vocals */
          metalaudio_separator_separate(separator, mix, 2, kFrames, single, pointers, NULL, NULL,
                                        NULL));
  single[7] = NULL;
  REFUSED(METALAUDIO_INVALID_ARGUMENT, /* nothing */
          metalaudio_separator_separate(separator, mix, 2, kFrames, single, pointers, NULL, NULL,
                                        NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_separator_separate(separator, mix, 2, kFrames, stems, 4, NULL, NULL, NULL));
  REFUSED(
      METALAUDIO_INVALID_ARGUMENT,
      metalaudio_separator_separate(separator, mix, 1, kFrames, stems, pointers, NULL, NULL, NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_separator_separate(separator, NULL, 2, kFrames, stems, pointers, NULL, NULL,
                                        NULL));
  REFUSED(
      METALAUDIO_INVALID_ARGUMENT,
      metalaudio_separator_separate(separator, mix, 2, kFrames, NULL, pointers, NULL, NULL, NULL));
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_separator_separate(NULL, mix, 2, kFrames, stems, pointers, NULL, NULL, NULL));
  REFUSED(METALAUDIO_INVALID_DATA,
          metalaudio_separator_separate(separator, mix, 2, 0, stems, pointers, NULL, NULL, NULL));
  options.overlap = 1.5;
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_separator_separate(separator, mix, 2, kFrames, stems, pointers, &options, NULL,
                                        NULL));
  options.struct_size = 0;
  REFUSED(METALAUDIO_INVALID_ARGUMENT,
          metalaudio_separator_separate(separator, mix, 2, kFrames, stems, pointers, &options, NULL,
                                        NULL));
  samples[17] = NAN;
  REFUSED(METALAUDIO_INVALID_DATA, metalaudio_separator_separate(separator, mix, 2, kFrames, stems,
                                                                 pointers, NULL, NULL, NULL));
  mix[1] = NULL;
  REFUSED(
      METALAUDIO_INVALID_ARGUMENT,
      metalaudio_separator_separate(separator, mix, 2, kFrames, stems, pointers, NULL, NULL, NULL));
  metalaudio_separator_free(separator);
  metalaudio_separator_free(NULL);

  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_separator_load(network, NULL, NULL));
  REFUSED(METALAUDIO_NOT_FOUND, metalaudio_separator_load("no_such_model", NULL, &separator));
  CHECK(separator == NULL);
  REFUSED(METALAUDIO_NOT_FOUND, metalaudio_separator_load("htdemucs_ft", NULL, &separator));
  CHECK(strstr(metalaudio_last_error(), "metalaudio models get htdemucs_ft") != NULL);
  load.folder = "/no/such/folder";
  REFUSED(METALAUDIO_NOT_FOUND, metalaudio_separator_load("htdemucs", &load, &separator));
  load.folder = NULL;
  load.precision = (metalaudio_precision)5;
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_separator_load(network, &load, &separator));
  load.precision = METALAUDIO_AUTO_PRECISION;
  load.device = "gramophone";
  REFUSED(METALAUDIO_INVALID_ARGUMENT, metalaudio_separator_load(network, &load, &separator));
  CHECK(strstr(metalaudio_last_error(), "gramophone") != NULL);
  load.device = "cuda:9"; /* of no machine of ours */
  REFUSED(METALAUDIO_BACKEND_UNAVAILABLE, metalaudio_separator_load(network, &load, &separator));
  CHECK(separator == NULL);
  load.device = "auto";
  OK(metalaudio_separator_load(network, &load, &separator));
  CHECK(strncmp(metalaudio_separator_device(separator), "c", 1) == 0);
  metalaudio_separator_free(separator);
  /* A caller of the days before devices knows a shorter struct. */
  load.device = "gramophone";
  load.struct_size = offsetof(metalaudio_load_options, device);
  OK(metalaudio_separator_load(network, &load, &separator));
  CHECK(strcmp(metalaudio_separator_device(separator), "cpu") == 0);
  CHECK(strcmp(metalaudio_separator_device(NULL), "") == 0);
  metalaudio_separator_free(separator);
  /* Nothing is installed in the test's home: the model that ships. */
  OK(metalaudio_separator_load(NULL, NULL, &separator));
  CHECK(metalaudio_separator_stems(separator) == 6);
  metalaudio_separator_free(separator);
  free(samples);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  network = argv[1];
  test_errors();
  test_fft();
  test_convolution();
  test_graph(argv[2]);
  test_amp(argv[2]);
  test_separation();
  if (failures == 0) printf("The C interface does what it says\n");
  return failures == 0 ? 0 : 1;
}
