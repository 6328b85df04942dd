#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/error.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace metalaudio::python {

namespace nb = nanobind;

// Arrays as the Python side of the package prepares them: of the right type, in native byte order,
// and with neighbours along the last axis beside each other. Only these, so that none is copied here.
using Samples = nb::ndarray<const float, nb::ndim<1>, nb::device::cpu, nb::c_contig>;
using SamplesOut = nb::ndarray<float, nb::ndim<1>, nb::device::cpu, nb::c_contig>;
using Channels = nb::ndarray<const float, nb::ndim<2>, nb::device::cpu>;
using ChannelsOut = nb::ndarray<float, nb::ndim<2>, nb::device::cpu>;
using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::device::cpu, nb::c_contig>;
using DoublesOut = nb::ndarray<double, nb::ndim<1>, nb::device::cpu, nb::c_contig>;
using DoubleRows = nb::ndarray<const double, nb::ndim<2>, nb::device::cpu, nb::c_contig>;
using DoubleRowsOut = nb::ndarray<double, nb::ndim<2>, nb::device::cpu, nb::c_contig>;
using Spectra = nb::ndarray<const std::complex<float>, nb::ndim<2>, nb::device::cpu, nb::c_contig>;
using SpectraOut = nb::ndarray<std::complex<float>, nb::ndim<2>, nb::device::cpu, nb::c_contig>;

template <typename Array>
auto span_of(const Array& array) {
  return std::span(array.data(), array.size());
}

/// Rows may lie apart; samples of a row may not.
template <typename Sample, typename Array>
BasicAudioView<Sample> view_of_rows(const Array& array) {
  if (array.shape(1) > 1 && array.stride(1) != 1)
    fail(ErrorCode::invalid_argument, "[metalaudio] the samples of a channel lie {} apart",
         array.stride(1));
  if (array.shape(0) > 1 && array.stride(0) < 0)
    fail(ErrorCode::invalid_argument, "[metalaudio] channels in reverse order");
  const std::size_t stride = array.shape(0) > 1 ? static_cast<std::size_t>(array.stride(0)) : 0;
  return {array.data(), array.shape(0), array.shape(1), stride};
}
inline ConstAudioView view_of(const Channels& array) { return view_of_rows<const float>(array); }
inline AudioView view_of(const ChannelsOut& array) { return view_of_rows<float>(array); }

/// Lets other Python threads run while this one computes, one at a time on each object.
class Released {
 public:
  explicit Released(std::recursive_mutex& mutex) : lock_(mutex) {}

 private:
  nb::gil_scoped_release release_;
  std::lock_guard<std::recursive_mutex> lock_;
};

/// Keys of an enumeration, by which Python names its values.
template <typename Value, std::size_t N>
Value choose(const char* what, const std::string& name,
             const std::pair<const char*, Value> (&choices)[N]) {
  std::string known;
  for (const auto& [key, value] : choices) {
    if (name == key) return value;
    known += known.empty() ? key : std::string(", ") + key;
  }
  fail(ErrorCode::invalid_argument, "[metalaudio] {} {}: expected {}", what, name, known);
}

void bind_separation(nb::module_& module);
void bind_files(nb::module_& module);
void bind_signal(nb::module_& module);
void bind_processors(nb::module_& module);
void bind_neural(nb::module_& module);
void bind_graph(nb::module_& module);

}  // namespace metalaudio::python
