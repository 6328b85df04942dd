#include "apps/help/option_text.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace metalaudio::apps {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kLeftColumns = 30;

std::string entry(const std::string& left, const std::string& right) {
  std::string text = "  " + left;
  const std::string indent(kLeftColumns, ' ');
  if (text.size() + 2 > kLeftColumns)
    text += "\n" + indent;
  else
    text.resize(kLeftColumns, ' ');
  return text +
         fmt::format("{}\n", fmt::join(wrapped(right, kColumns - kLeftColumns), "\n" + indent));
}

std::string left_of(const CLI::Option& option) {
  const std::string value = value_name(option);
  return option.get_positional() || value.empty() ? option_names(option)
                                                  : option_names(option) + " " + value;
}

std::string help_text(const CLI::App& app) {
  std::string text =
      app.get_description() + "\nUsage: " + command_name(app) + " " + command_usage(app) + "\n";
  const auto add_group = [&](const std::string& title, const std::string& group) {
    const auto options = shown_options(app, group);
    if (options.empty()) return;
    text += "\n" + title + ":\n";
    for (const CLI::Option* option : options)
      text += entry(left_of(*option), option_description(*option));
  };
  add_group("Positionals", "");
  for (const std::string& group : app.get_groups())
    if (!group.empty()) add_group(group, group);
  if (const auto commands = shown_commands(app); !commands.empty()) {
    text += "\nSubcommands:\n";
    for (const CLI::App* command : commands)
      text += entry(command->get_name(), command->get_description());
  }
  if (const std::string examples = app.get_footer(); !examples.empty())
    text += "\nExamples:\n" + examples + "\n";
  return text;
}

}  // namespace

std::string value_name(const CLI::Option& option) {
  return option.get_items_expected_max() == 0 ? "" : option.get_type_name();
}

std::string option_names(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string option_description(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty())
    text += fmt::format(" (default: {})", option.get_default_str());
  std::vector<std::string> others;
  for (const CLI::Option* other : option.get_excludes()) others.push_back(other->get_name());
  if (!others.empty()) {
    std::ranges::sort(others);
    text += fmt::format(" (not with {})", fmt::join(others, ", "));
  }
  return text;
}

std::string command_usage(const CLI::App& command) {
  std::string text = "[OPTIONS]";
  for (const CLI::Option* option : shown_options(command, "")) {
    std::string name = option->get_name(true);
    if (option->get_items_expected_max() > 1) name += "...";
    text += option->get_required() ? " " + name : " [" + name + "]";
  }
  if (!shown_commands(command).empty()) text += " SUBCOMMAND";
  return text;
}

std::string command_name(const CLI::App& command, std::string_view between) {
  const CLI::App* const parent = command.get_parent();
  return parent == nullptr
             ? command.get_name()
             : command_name(*parent, between) + std::string(between) + command.get_name();
}

std::vector<const CLI::App*> shown_commands(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* below) { return !below->get_group().empty(); });
}

std::vector<const CLI::Option*> shown_options(const CLI::App& command, const std::string& group) {
  return command.get_options([&](const CLI::Option* option) {
    return group.empty() ? option->get_positional()
                         : !option->get_positional() && option->get_group() == group;
  });
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (text.size() > columns) {
    std::size_t cut = text.rfind(' ', columns);
    if (cut == std::string_view::npos) cut = text.find(' ');
    if (cut == std::string_view::npos) break;
    lines.emplace_back(text.substr(0, cut));
    text.remove_prefix(cut + 1);
  }
  lines.emplace_back(text);
  return lines;
}

std::shared_ptr<CLI::FormatterBase> help_formatter() {
  return std::make_shared<CLI::FormatterLambda>(
      [](const CLI::App* app, const std::string&, CLI::AppFormatMode) { return help_text(*app); });
}

}  // namespace metalaudio::apps
