#pragma once

#include <metalaudio/repository/model_bag.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::repository {

/// A published file, to be downloaded and verified.
struct KnownFile {
  std::string name;  ///< "<signature>-<first digits of the SHA-256>.th"
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// A model that upstream has published under a name.
struct KnownModel {
  std::string name;
  std::string summary;
  BagDescription bag;
  std::vector<KnownFile> files;  ///< none if it is not supported yet
  std::string unsupported;       ///< why, then
};

/// All of them, in the order to show them.
std::span<const KnownModel> known_models();

/// The one of this name, or null.
const KnownModel* find_known_model(const std::string& name);

/// What upstream's authors have said about the use of their weights.
const char* licence_note() noexcept;

}  // namespace metalaudio::repository
