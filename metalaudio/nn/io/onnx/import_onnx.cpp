#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/io/onnx/importer.h>
#include <metalaudio/nn/io/onnx/onnx_reader.h>

#include <new>
#include <set>

namespace metalaudio::nn {

namespace {

Graph import_file(const OnnxFile& file, const OnnxOptions& options) {
  std::set<std::string> bound;
  while (true) {  // at most once for every sample
    try {
      return Importer(file, options, bound).run();
    } catch (const BindInputs& wanted) {
      bound.insert(wanted.names.begin(), wanted.names.end());
    }
  }
}

/// Calls f, and lets what it throws say where.
template <typename F>
auto named(const std::string& name, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail(error.code(), "[import_onnx] {}{}", name, error.what());
  } catch (const Unsupported& reason) {
    fail(ErrorCode::unsupported, "[import_onnx] {}{}", name, reason.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "[import_onnx] {}not enough memory", name);
  }
}

OnnxPort port_of(const OnnxValue& value) {
  OnnxPort port{value.name, value.type ? std::string(to_string(*value.type)) : value.type_name, {}};
  if (!value.dimensions) port.axes.emplace_back("...");
  if (value.dimensions) {
    for (const OnnxDimension& axis : *value.dimensions) {
      port.axes.push_back(axis.extent >= 0      ? std::to_string(axis.extent)
                          : axis.symbol.empty() ? "?"
                                                : axis.symbol);
    }
  }
  return port;
}

void count(const std::vector<OnnxNode>& nodes, const OnnxFile& file, OnnxSummary& summary) {
  for (const OnnxNode& node : nodes) {
    const std::string type = node.domain.empty() ? node.type : node.domain + "." + node.type;
    ++summary.operations[type];
    if (!Importer::is_known(file, node)) {
      summary.unsupported.push_back(fmt::format("{} ({})", type, node.name));
    }
    for (const auto& [name, attribute] : node.attributes) {
      if (const auto* graph = std::get_if<std::shared_ptr<const OnnxGraph>>(&attribute.value)) {
        count((*graph)->nodes, file, summary);
      }
    }
  }
}

OnnxSummary summary_of(const OnnxFile& file) {
  OnnxSummary summary;
  const auto opset = file.opsets.find("");
  if (opset != file.opsets.end()) summary.opset = opset->second;
  for (const OnnxValue& input : file.graph.inputs) {
    const bool has_default = file.graph.initializers.contains(input.name);
    (has_default ? summary.defaults : summary.inputs).push_back(port_of(input));
  }
  for (const OnnxValue& output : file.graph.outputs) summary.outputs.push_back(port_of(output));
  count(file.graph.nodes, file, summary);
  for (const OnnxFunction& function : file.functions) count(function.nodes, file, summary);
  return summary;
}

OnnxFile read_file(const std::filesystem::path& path, std::size_t sparse_bytes) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  return read_onnx(FileBytes(path).bytes(), folder, sparse_bytes);
}

}  // namespace

Graph import_onnx(const std::filesystem::path& path, const OnnxOptions& options) {
  return named(path.string() + ": ",
               [&] { return import_file(read_file(path, options.constant_limit_bytes), options); });
}

Graph import_onnx(std::span<const std::byte> bytes, const OnnxOptions& options,
                  const std::filesystem::path& folder) {
  return named("", [&] {
    return import_file(read_onnx(bytes, folder, options.constant_limit_bytes), options);
  });
}

OnnxSummary inspect_onnx(const std::filesystem::path& path) {
  return named(path.string() + ": ", [&] { return summary_of(read_file(path, 0)); });
}

OnnxSummary inspect_onnx(std::span<const std::byte> bytes) {
  return named("", [&] { return summary_of(read_onnx(bytes, {}, 0)); });
}

}  // namespace metalaudio::nn
