#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/json.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/nam.h>
#include <metalaudio/models/amp/rtneural.h>

namespace metalaudio::models::amp {

Model read_model(std::span<const std::byte> bytes, const ReadOptions& options) {
  const Json file = parse_json(bytes);
  if (!file.is_object()) fail(ErrorCode::invalid_data, "[Amp] a JSON file that is no object");
  if (file.contains("architecture") || file.contains("version")) return read_nam(file, options);
  if (file.contains("layers")) return read_rtneural(file, options);
  if (file.contains("model_data")) return read_guitarml(file, options);
  return read_torch_state(file, options);
}

}  // namespace metalaudio::models::amp
