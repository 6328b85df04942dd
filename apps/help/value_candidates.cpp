#include "apps/help/value_candidates.h"

#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/gpu_profile.h>
#include <metalaudio/repository/model_repository.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>

#include "apps/commands/model_choice.h"

namespace metalaudio::apps {
namespace {

using Also = Completion::Also;
using Candidates = std::vector<Completion::Candidate>;

std::vector<std::string> parts_of(const std::string& text, char between) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == between)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

/// "auto|fp32", not "NAME=FILE.npy|NUMBER".
bool is_choice(const std::string& kind) {
  return kind.find('|') != std::string::npos && std::ranges::all_of(kind, [](unsigned char c) {
           return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '|' || c == '-';
         });
}

repository::ModelRepository repository_of(const ModelInLine& line) {
  return line.repo.empty() ? repository::ModelRepository() : repository::ModelRepository(line.repo);
}

Candidates models(const ModelInLine& line) {
  Candidates all;
  const auto repository = repository_of(line);
  for (const repository::KnownModel& model : repository::known_models())
    if (repository.has(model.name)) all.push_back({model.name, model.summary});
  for (const std::string& name : repository.list())
    if (std::ranges::none_of(all, [&](const auto& known) { return known.word == name; }))
      all.push_back({name});
  return all;
}

Candidates amps(const ModelInLine&) {
  Candidates all;
  for (const std::string& name : repository::ModelRepository().list_amps())
    all.push_back({name, "a neural amp"});
  return all;
}

Candidates installed(const ModelInLine& line) {
  Candidates all = models(line);
  for (auto& amp : amps(line)) all.push_back(std::move(amp));
  return all;
}

Candidates published(const ModelInLine&) {
  Candidates all;
  for (const repository::KnownModel& model : repository::known_models())
    if (model.unsupported.empty()) all.push_back({model.name, model.summary});
  return all;
}

Candidates devices(const ModelInLine&) {
  Candidates all{{"auto", "a GPU where one answers"}, {"cpu"}, {"cuda", "the first GPU"}};
  for (std::size_t i = 0; const GpuProfile& gpu : survey_gpus().gpus)
    all.push_back({fmt::format("cuda:{}", i++), gpu.properties.name});
  return all;
}

Candidates stems(const ModelInLine& line) {
  SeparateOptions options;
  options.model = line.model;
  options.repo = line.repo;
  Candidates all;
  for (const std::string& stem : choose_model(options).sources) all.push_back({stem});
  return all;
}

const std::map<std::string, std::function<Candidates(const ModelInLine&)>> kNames = {
    {"MODEL", models},        {"AMP", amps},       {"INSTALLED", installed},
    {"PUBLISHED", published}, {"DEVICE", devices}, {"STEM", stems},
};

/// Beside names, these may be files.
bool may_be_file(const std::string& kind) {
  return kind == "MODEL" || kind == "AMP" || kind.find("FILE") != std::string::npos;
}

}  // namespace

Completion value_candidates(const std::string& kind, const std::string& text,
                            const ModelInLine& line) {
  Completion all;
  if (kind == "FOLDER") all.also = Also::folders;
  if (may_be_file(kind)) all.also = Also::files;
  if (kind == "I/N") all.candidates = {{"auto", "as the Slurm array says"}};
  if (is_choice(kind))
    for (const std::string& word : parts_of(kind, '|')) all.candidates.push_back({word});
  const bool list = kind.ends_with(",...") || kind == "DEVICE";
  const auto names = kNames.find(kind.ends_with(",...") ? kind.substr(0, kind.size() - 4) : kind);
  if (names == kNames.end()) return all;
  try {
    all.candidates = names->second(line);
  } catch (const Error&) {  // without the model there are no names
    return all;
  }
  const std::size_t comma = text.rfind(',');
  if (!list) return all;
  if (kind.ends_with(",...")) all.also = Also::more;
  if (comma == std::string::npos) return all;
  const std::vector<std::string> there = parts_of(text.substr(0, comma), ',');
  std::erase_if(all.candidates, [&](const auto& candidate) {
    return std::ranges::count(there, candidate.word) > 0;
  });
  for (auto& candidate : all.candidates) candidate.word.insert(0, text, 0, comma + 1);
  return all;
}

}  // namespace metalaudio::apps
