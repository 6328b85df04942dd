#include <metalaudio/core/instruction_sets.h>

#include "bindings/python/src/arrays.h"

namespace {

namespace nb = nanobind;
using metalaudio::Error;

/// Names of files need not be UTF-8.
nb::str message_of(const Error& error) {
  const std::string_view text = error.what();
  return nb::steal<nb::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

/// Errors of the library become those of metalaudio._errors, which know their codes.
void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const std::string_view code = metalaudio::to_string(error.code());
    const nb::object made =
        nb::module_::import_("metalaudio._errors")
            .attr("make_error")(nb::str(code.data(), code.size()), message_of(error));
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  }
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "What the package metalaudio computes with; use the package.";
  nb::register_exception_translator(translate);
  metalaudio::limit_instruction_sets_by_environment();
  module.attr("version") = METALAUDIO_VERSION;
  metalaudio::python::bind_separation(module);
  metalaudio::python::bind_files(module);
  metalaudio::python::bind_signal(module);
  metalaudio::python::bind_processors(module);
  metalaudio::python::bind_neural(module);
  metalaudio::python::bind_graph(module);
}
