#include "apps/help/manual_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "apps/help/option_text.h"

namespace metalaudio::apps {
namespace {

constexpr std::size_t kSourceColumns = 72;

/// Text as it is: backslashes, hyphens, and dots and quotes that would begin a request.
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

/// A paragraph in lines of source that editors show whole.
std::string paragraph(std::string_view text) {
  std::string out;
  for (const std::string& line : wrapped(text, kSourceColumns)) out += literal(line) + "\n";
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + literal(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + literal(text) + "\\fR"; }

/// "auto|fp32" in bold words, "NAME=FILE" in italics.
std::string value_text(const std::string& value) {
  return std::ranges::any_of(value, [](unsigned char c) { return std::isupper(c) != 0; })
             ? italic(value)
             : bold(value);
}

std::string option_entry(const CLI::Option& option) {
  std::string names;
  if (option.get_positional()) {
    names = italic(option_names(option));
  } else {
    for (const std::string& name : option.get_snames()) names += bold("-" + name) + ", ";
    for (const std::string& name : option.get_lnames()) names += bold("--" + name) + ", ";
    names.resize(names.size() - 2);
    if (const std::string value = value_name(option); !value.empty())
      names += " " + value_text(value);
  }
  return fmt::format(".TP\n{}\n{}", names, paragraph(option_description(option)));
}

std::string options_text(const CLI::App& command, bool with_help) {
  std::string text;
  for (const std::string& group : command.get_groups()) {
    std::string entries;
    for (const CLI::Option* option : shown_options(command, group))
      if (!group.empty() && (with_help || option != command.get_help_ptr()))
        entries += option_entry(*option);
    if (entries.empty()) continue;
    if (group != "Options") text += fmt::format(".SS {}\n", literal(group));
    text += entries;
  }
  return text;
}

/// The words of the usage line.
std::string synopsis(const CLI::App& command) {
  return bold(command_name(command)) + " " + literal(command_usage(command)) + "\n";
}

std::string described(const CLI::App& command) {
  std::string text = command.get_description();
  text = paragraph(text.ends_with('.') ? text : text + '.');
  for (const CLI::Option* option : shown_options(command, "")) text += option_entry(*option);
  return text;
}

/// Pages of the program's own commands, sections of those below them.
std::string commands_text(const CLI::App& command) {
  std::string text;
  for (const CLI::App* below : shown_commands(command)) {
    if (command.get_parent() == nullptr)
      text += fmt::format(".TP\n{}(1)\n{}", bold(command_name(*below, "-")),
                          paragraph(below->get_description()));
    else
      text += fmt::format(".SS {}\n{}{}", literal(command_name(*below)), described(*below),
                          options_text(*below, false));
  }
  return text.empty() ? "" : ".SH COMMANDS\n" + text;
}

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n"
    "0 when all is done, 1 when something failed, 2 for a wrong command line,\n"
    "and 128 and the number of the signal that ended it.\n";

constexpr std::pair<const char*, const char*> kEnvironment[] = {
    {"METALAUDIO_MODEL_DIR", "One more folder to look for models in."},
    {"METALAUDIO_MODEL_URL",
     "The address that 'models get' downloads from, in place of the authors'."},
    {"METALAUDIO_MAX_ISA",
     "The highest instruction set that may be used: ssse3, avx2, avx512, avx512_bf16 or amx."},
    {"OMP_NUM_THREADS",
     "How many threads are taken at most where no --threads says, as in programs with OpenMP."},
    {"XDG_DATA_HOME", "Models are kept in its metalaudio/models; ~/.local/share unless set."},
    {"XDG_CONFIG_HOME",
     "What calibrate measured is kept in its metalaudio/tolerances.json; ~/.config unless set."},
    {"XDG_CACHE_HOME",
     "Kernels compiled for a GPU are kept in its metalaudio/pipelines; ~/.cache unless set."},
    {"TMPDIR",
     "Where long audio lies while it is worked on; unless set /var/tmp, or /tmp or the output's "
     "folder where that cannot be written to."},
};

std::string environment_text() {
  std::string text = ".SH ENVIRONMENT\n";
  for (const auto& [name, meaning] : kEnvironment)
    text += fmt::format(".TP\n{}\n{}", bold(name), paragraph(meaning));
  return text;
}

std::string examples_text(const std::string& examples) {
  return examples.empty() ? "" : ".SH EXAMPLES\n.nf\n" + literal(examples) + "\n.fi\n";
}

std::string see_also(const CLI::App& command) {
  if (command.get_parent() == nullptr) return "";
  std::string text = ".SH SEE ALSO\n" + bold("metalaudio") + "(1)";
  for (const CLI::App* other : shown_commands(*command.get_parent()))
    if (other != &command) text += ",\n" + bold(command_name(*other, "-")) + "(1)";
  return text + "\n";
}

}  // namespace

std::string manual_page(const CLI::App& command, std::string_view date) {
  const std::string name = command_name(command, "-");
  std::string title = name;
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string text =
      fmt::format(".TH {} 1 {} \"MetalAudio " METALAUDIO_VERSION "\" \"User Commands\"\n",
                  literal(title), date);
  // A sentence in the list of man -k begins small.
  std::string brief = command.get_description();
  if (!brief.empty())
    brief[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(brief[0])));
  if (brief.ends_with('.')) brief.pop_back();
  text += fmt::format(".SH NAME\n{} \\- {}\n", literal(name), literal(brief));
  text += ".SH SYNOPSIS\n" + synopsis(command);
  text += ".SH DESCRIPTION\n" + described(command);
  text += commands_text(command);
  text += ".SH OPTIONS\n" + options_text(command, true);
  text += examples_text(command.get_footer());
  text += kExitStatus;
  if (command.get_parent() == nullptr) text += environment_text();
  return text + see_also(command);
}

}  // namespace metalaudio::apps
