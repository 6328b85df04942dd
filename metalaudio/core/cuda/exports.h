#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/gpu_profile.h>

#include <memory>
#include <vector>

// What core/cuda_part.h looks up by name in libmetalaudio_cuda.so.
#define METALAUDIO_CUDA_EXPORT extern "C" __attribute__((visibility("default")))

METALAUDIO_CUDA_EXPORT const char* metalaudio_cuda_version();
METALAUDIO_CUDA_EXPORT void metalaudio_cuda_survey(metalaudio::GpuSurvey* survey);
METALAUDIO_CUDA_EXPORT void metalaudio_cuda_list_devices(
    std::vector<metalaudio::DeviceProperties>* devices);
METALAUDIO_CUDA_EXPORT void metalaudio_cuda_make_device(
    int index, std::shared_ptr<metalaudio::AudioDevice>* device);
