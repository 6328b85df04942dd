#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace metalaudio::apps {

/// The part of the tracks that one of several processes takes: of all, in their order, each whose
/// number leaves `index` when divided by `count`.
struct Shard {
  std::size_t index = 0;
  std::size_t count = 1;

  bool has(std::size_t track) const { return track % count == index; }
};

/// What a batch of tracks can be told.
struct BatchOptions {
  std::filesystem::path list;
  std::optional<Shard> shard;
  bool skip_existing = false;
  bool overwrite = false;
  std::filesystem::path manifest;
  bool dry_run = false;
};

/// Adds the options and their help to a command, whose operation they are part of.
void add_batch_options(CLI::App& command, BatchOptions& options);

/// A variable's value; null: it is not set.
using Environment = std::function<const char*(const char* name)>;

/// "2/8"; "auto": from a Slurm array; "auto/8": the index from the environment, as Kubernetes'
/// indexed jobs give no count.
/// Errors:   throws CLI::ValidationError with what was given and what may be.
Shard parse_shard(std::string_view text, const Environment& environment);

}  // namespace metalaudio::apps
