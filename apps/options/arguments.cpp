#include "apps/options/arguments.h"

#include <fmt/ranges.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace metalaudio::apps {
namespace {

/// Stands before every value on its way through CLI11, which reads nothing into words that begin
/// like this.
constexpr char kLiteral = '=';

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() != 0; }

/// argparse's rule: -1, -.5, -2.5.
bool is_negative_number(std::string_view text) {
  text.remove_prefix(1);
  const auto digits = [](std::string_view part) {
    return std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; });
  };
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return !text.empty() && digits(text);
  return dot + 1 < text.size() && digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

bool is_upstreams(const std::string& name) { return !kOwnOptions.contains(name); }

/// Rewrites the arguments of one command and of the commands below it into words of which CLI11 can
/// misunderstand none.
class Rewriter {
 public:
  Rewriter(const CLI::App& app, const std::vector<std::string>& arguments, std::size_t first)
      : app_(app), arguments_(arguments), next_(first) {}

  std::vector<std::string> run() {
    while (next_ < arguments_.size()) {
      const std::string& word = arguments_[next_++];
      if (!positional_only_ && word == "--") {
        positional_only_ = true;
      } else if (!is_option(word)) {
        if (!app_.get_subcommands({}).empty()) return command(word);
        if (values_.size() >= most_values())
          fail(ErrorCode::invalid_argument, "{}: \"{}\" is one argument too many", place(), word);
        values_.push_back(kLiteral + word);
      } else if (word.starts_with("--")) {
        long_option(word);
      } else {
        short_options(word);
      }
    }
    return words();
  }

 private:
  std::string place() const {
    return app_.get_parent() == nullptr ? "metalaudio"
           : app_.get_parent()->get_parent() == nullptr
               ? app_.get_name()
               : app_.get_parent()->get_name() + " " + app_.get_name();
  }

  std::vector<std::string> words() {
    std::vector<std::string> all = values_;
    all.insert(all.end(), options_.begin(), options_.end());
    return all;
  }

  std::vector<std::string> command(const std::string& name) {
    for (const CLI::App* below : app_.get_subcommands({})) {
      if (below->get_name() != name) continue;
      std::vector<std::string> all = words();
      all.push_back(name);
      const auto rest = Rewriter(*below, arguments_, next_).run();
      all.insert(all.end(), rest.begin(), rest.end());
      return all;
    }
    fail(ErrorCode::invalid_argument, "there is no command \"{}\"; see {} --help", name,
         app_.get_parent() == nullptr ? "metalaudio" : "metalaudio " + place());
  }

  std::size_t most_values() const {
    std::size_t most = 0;
    for (const CLI::Option* option : app_.get_options())
      if (option->get_positional())
        most += static_cast<std::size_t>(option->get_items_expected_max());
    return most;
  }

  const CLI::Option* find_short(char letter) const {
    for (const CLI::Option* option : app_.get_options())
      for (const std::string& name : option->get_snames())
        if (name[0] == letter) return option;
    return nullptr;
  }

  /// The long names that begin like this; a whole name goes before longer ones.
  std::vector<std::string> long_names(std::string_view beginning) const {
    std::vector<std::string> names;
    for (const CLI::Option* option : app_.get_options())
      for (const std::string& name : option->get_lnames()) {
        if (name == beginning) return {name};
        if (name.starts_with(beginning)) names.push_back(name);
      }
    if (std::ranges::count_if(names, is_upstreams) == 1)
      return {*std::ranges::find_if(names, is_upstreams)};
    return names;
  }

  bool is_option(const std::string& word) const {
    if (positional_only_ || word.size() < 2 || word[0] != '-') return false;
    const std::string_view name = std::string_view(word).substr(0, word.find('='));
    if (name.starts_with("--") ? !long_names(name.substr(2)).empty()
                               : find_short(word[1]) != nullptr)
      return true;
    return !is_negative_number(word) && word.find(' ') == std::string::npos;
  }

  /// The value of an option that has none with its name.
  std::string value_of(const std::string& option) {
    if (next_ >= arguments_.size() || arguments_[next_] == "--" || is_option(arguments_[next_]))
      fail(ErrorCode::invalid_argument, "{}: expected a value", option);
    return arguments_[next_++];
  }

  void long_option(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string given = word.substr(0, equals);
    const std::vector<std::string> names = long_names(std::string_view(given).substr(2));
    if (names.empty())
      fail(ErrorCode::invalid_argument, "{}: there is no option {}", place(), given);
    if (names.size() > 1)
      fail(ErrorCode::invalid_argument, "{}: may be --{}", given, fmt::join(names, " or --"));
    const std::string name = "--" + names[0];
    const CLI::Option* option = app_.get_option(name);
    if (takes_value(*option)) {
      const std::string value =
          equals == std::string::npos ? value_of(name) : word.substr(equals + 1);
      options_.push_back(name + "=" + kLiteral + value);
    } else if (equals == std::string::npos) {
      options_.push_back(name);
    } else {
      fail(ErrorCode::invalid_argument, "{}: takes no value", name);
    }
  }

  /// "-v", "-n value", "-nvalue", "-n=value", "-vn value".
  void short_options(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = std::string("-") + word[i];
      const CLI::Option* option = find_short(word[i]);
      if (option == nullptr)
        fail(ErrorCode::invalid_argument,
             "{}: there is no option {}; a file whose name begins like one goes behind --", place(),
             i == 1 ? word : name);
      if (!takes_value(*option)) {
        options_.push_back(name);
        continue;
      }
      std::string value = word.substr(i + 1);
      if (value.empty())
        value = value_of(name);
      else if (value[0] == '=')
        value.erase(0, 1);
      options_.push_back(name + kLiteral + value);
      return;
    }
  }

  const CLI::App& app_;
  const std::vector<std::string>& arguments_;
  std::size_t next_;
  bool positional_only_ = false;
  std::vector<std::string> values_;  // before the options, so that no option can swallow one
  std::vector<std::string> options_;
};

/// Takes the mark off again before anything else looks at a value.
void unwrap_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (takes_value(*option))
      option->transform([](const std::string& value) { return value.substr(1); });
  for (CLI::App* below : app.get_subcommands([](CLI::App*) { return true; })) unwrap_values(*below);
}

}  // namespace

void parse_arguments(CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = Rewriter(app, arguments, 0).run();
  unwrap_values(app);
  std::ranges::reverse(words);  // as CLI11 wants them
  app.parse(std::move(words));
}

}  // namespace metalaudio::apps
