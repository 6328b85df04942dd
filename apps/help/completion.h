#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace metalaudio::apps {

/// What a shell offers for the word at the cursor.
struct Completion {
  struct Candidate {
    std::string word;  ///< the whole word
    std::string description = {};
  };
  /// What else the word can be: nothing, the name of a file or a folder; or a list goes on after it.
  enum class Also { nothing, files, folders, more };

  std::vector<Candidate> candidates;
  Also also = Also::nothing;
};

/// `words` are those behind the program's name, the last one being that at the cursor, which may be
/// empty. Models, stems and devices are those of this machine.
/// Threads:  any; it reads folders of models.
Completion complete_words(const CLI::App& app, const std::vector<std::string>& words);

/// As the scripts of the shells read it: candidates with a tab before the description, one a line,
/// and ":" with what else it can be as the last.
std::string completion_text(const Completion& completion);

}  // namespace metalaudio::apps
