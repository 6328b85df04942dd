#include "apps/help/completion.h"

#include <algorithm>
#include <map>
#include <set>

#include "apps/help/option_text.h"
#include "apps/help/value_candidates.h"

namespace metalaudio::apps {
namespace {

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() != 0; }

/// What the words before the cursor have led to.
class Line {
 public:
  explicit Line(const CLI::App& app) : command_(&app) {}

  void take(const std::string& word) {
    if (open_ != nullptr) {
      values_[open_] = word;
      open_ = nullptr;
    } else if (!is_option(word)) {
      take_argument(word);
    } else if (word == "--") {
      arguments_only_ = true;
    } else if (word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      take_option(find_long(word.substr(2, equals - 2)), equals != std::string::npos,
                  equals == std::string::npos ? "" : word.substr(equals + 1));
    } else {
      take_letters(word);
    }
  }

  Completion complete(const std::string& word) const {
    if (command_ == nullptr) return {};
    if (open_ != nullptr) return value(*open_, "", word);
    if (word == "-" && !arguments_only_) return option_names(word);
    if (!is_option(word)) return argument(word);
    const std::size_t equals = word.find('=');
    if (word.starts_with("--") && equals != std::string::npos) {
      const CLI::Option* option = find_long(word.substr(2, equals - 2));
      return option != nullptr && takes_value(*option)
                 ? value(*option, word.substr(0, equals + 1), word.substr(equals + 1))
                 : Completion{};
    }
    if (!word.starts_with("--") && word.size() > 2)
      if (const CLI::Option* option = find_short(word[1]); option && takes_value(*option))
        return value(*option, word.substr(0, 2), word.substr(2));
    return option_names(word);
  }

 private:
  bool is_option(const std::string& word) const {
    return !arguments_only_ && word.starts_with('-') && (word.size() > 1);
  }

  const CLI::Option* find_short(char letter) const {
    for (const CLI::Option* option : command_->get_options())
      if (std::ranges::count(option->get_snames(), std::string(1, letter)) > 0) return option;
    return nullptr;
  }

  /// A whole name, or the first that begins like this.
  const CLI::Option* find_long(const std::string& beginning) const {
    const CLI::Option* found = nullptr;
    for (const CLI::Option* option : command_->get_options())
      for (const std::string& name : option->get_lnames()) {
        if (name == beginning) return option;
        if (found == nullptr && name.starts_with(beginning)) found = option;
      }
    return found;
  }

  void take_argument(const std::string& word) {
    if (command_ == nullptr) return;
    const auto below = command_->get_subcommands({});
    if (below.empty()) {
      ++arguments_;
      return;
    }
    const auto named = [&](const CLI::App* app) { return app->get_name() == word; };
    const auto found = std::ranges::find_if(below, named);
    command_ = found == below.end() ? nullptr : *found;
  }

  void take_option(const CLI::Option* option, bool with_value, const std::string& value) {
    if (option == nullptr) return;
    given_.insert(option);
    if (with_value)
      values_[option] = value;
    else if (takes_value(*option))
      open_ = option;
  }

  /// "-v", "-nvalue", "-vn" before a value.
  void take_letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const CLI::Option* option = find_short(word[i]);
      const bool with_value = option != nullptr && takes_value(*option) && i + 1 < word.size();
      take_option(option, with_value, word.substr(i + 1));
      if (with_value) return;
    }
  }

  std::string value_of(const char* name) const {
    for (const auto& [option, value] : values_)
      if (std::ranges::count(option->get_lnames(), name) > 0) return value;
    return "";
  }

  Completion value(const CLI::Option& option, const std::string& before,
                   const std::string& text) const {
    const std::string model = value_of("name");
    Completion all = value_candidates(value_name(option), text,
                                      {model.empty() ? value_of("sig") : model, value_of("repo")});
    std::erase_if(all.candidates, [&](const auto& one) { return !one.word.starts_with(text); });
    for (auto& candidate : all.candidates) candidate.word.insert(0, before);
    return all;
  }

  Completion argument(const std::string& word) const {
    Completion all;
    for (const CLI::App* below : shown_commands(*command_))
      if (below->get_name().starts_with(word))
        all.candidates.push_back({below->get_name(), below->get_description()});
    const auto positional = shown_options(*command_, "");
    if (positional.empty()) return all;
    const CLI::Option* option = positional[std::min(arguments_, positional.size() - 1)];
    if (arguments_ >= positional.size() && option->get_items_expected_max() <= 1) return all;
    return value(*option, "", word);
  }

  /// Those that may still be given: not twice, and not beside what they exclude.
  bool may_follow(const CLI::Option& option) const {
    const bool repeated =
        option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll && takes_value(option);
    if (given_.contains(&option) && !repeated) return false;
    return std::ranges::none_of(option.get_excludes(),
                                [&](const CLI::Option* other) { return given_.contains(other); });
  }

  Completion option_names(const std::string& beginning) const {
    Completion all;
    for (const CLI::Option* option : command_->get_options()) {
      if (option->get_positional() || !may_follow(*option)) continue;
      for (const std::string& name : option->get_lnames())
        if (("--" + name).starts_with(beginning))
          all.candidates.push_back({"--" + name, option->get_description()});
      for (const std::string& name : option->get_snames())
        if ("-" + name == beginning)
          all.candidates.push_back({beginning, option->get_description()});
    }
    return all;
  }

  const CLI::App* command_;  // null: there is no such command
  const CLI::Option* open_ = nullptr;
  std::size_t arguments_ = 0;
  bool arguments_only_ = false;
  std::set<const CLI::Option*> given_;
  std::map<const CLI::Option*, std::string> values_;
};

}  // namespace

Completion complete_words(const CLI::App& app, const std::vector<std::string>& words) {
  Line line(app);
  if (words.empty()) return line.complete("");
  for (std::size_t i = 0; i + 1 < words.size(); ++i) line.take(words[i]);
  return line.complete(words.back());
}

std::string completion_text(const Completion& completion) {
  std::string text;
  for (const auto& [word, description] : completion.candidates)
    text += word + (description.empty() ? "" : "\t" + description) + "\n";
  switch (completion.also) {
    case Completion::Also::nothing:
      return text + ":nothing";
    case Completion::Also::files:
      return text + ":files";
    case Completion::Also::folders:
      return text + ":folders";
    case Completion::Also::more:
      return text + ":more";
  }
  return text;
}

}  // namespace metalaudio::apps
