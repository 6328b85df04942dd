#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metalaudio::apps {

/// What is added to the command while it lives stands in the help under this heading.
/// Threads:  one.
class OptionGroup {
 public:
  OptionGroup(CLI::App& command, const std::string& heading)
      : defaults_(*command.option_defaults()), before_(defaults_.get_group()) {
    defaults_.group(heading);
  }
  ~OptionGroup() { defaults_.group(before_); }
  OptionGroup(const OptionGroup&) = delete;
  OptionGroup& operator=(const OptionGroup&) = delete;

 private:
  CLI::OptionDefaults& defaults_;
  std::string before_;
};

template <typename Whole>
struct WholeType {
  using Type = Whole;
};
template <typename Whole>
struct WholeType<std::optional<Whole>> {
  using Type = Whole;
};

/// A decimal whole number and nothing else, whatever the locale is.
/// Errors:   these throw CLI::ValidationError naming the option, what was given and what may be.
std::int64_t whole_number(const std::string& option, std::string_view text, std::int64_t least,
                          std::int64_t most);

/// A finite decimal number, "0.5" or "5e-1".
double real_number(const std::string& option, std::string_view text, double least, double most);

/// A whole number from `least` to `most`, into a number or an optional one; the last of the
/// option's names is the one in messages.
template <typename Whole, typename Number = typename WholeType<Whole>::Type>
CLI::Option* add_whole(CLI::App& command, const std::string& name, Whole& value, std::int64_t least,
                       std::int64_t most, const std::string& help) {
  const std::string shown = name.substr(name.rfind(',') + 1);
  return command
      .add_option_function<std::string>(
          name,
          [&value, shown, least, most](const std::string& text) {
            value = static_cast<Number>(whole_number(shown, text, least, most));
          },
          help)
      ->type_name("N");
}

/// One of several words.
template <typename Enum, typename Value>
CLI::Option* add_choice(CLI::App& command, const std::string& name, Value& value,
                        const std::map<std::string, Enum>& choices, const std::string& help) {
  std::string words;
  std::string current;
  for (const auto& [word, choice] : choices) {
    words += (words.empty() ? "" : "|") + word;
    if (choice == value) current = word;
  }
  return command
      .add_option_function<std::string>(
          name,
          [&value, choices, name, words](const std::string& text) {
            const auto found = choices.find(text);
            if (found == choices.end())
              throw CLI::ValidationError(name, "\"" + text + "\": expected " + words);
            value = found->second;
          },
          help)
      ->type_name(words)
      ->default_str(current);
}

/// For names that an empty one, as of a variable that is not set, would make as if not given.
inline CLI::Validator not_empty() {
  return {[](const std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""};
}

/// "a,b" as {"a", "b"}; no part may be empty.
std::vector<std::string> list_of(const std::string& option, const std::string& text);

}  // namespace metalaudio::apps
