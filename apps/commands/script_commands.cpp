#include <fmt/format.h>
#include <metalaudio/core/error.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/commands/versions.h"
#include "apps/help/completion.h"
#include "apps/help/manual_page.h"
#include "apps/help/option_text.h"
#include "apps/terminal/console.h"

namespace metalaudio::apps {
namespace {

/// The date within "0123456789ab (2026-01-31)".
std::string commit_date() {
  const std::string commit = commit_text();
  const std::size_t open = commit.find('(');
  return open == std::string::npos ? "\"\"" : commit.substr(open + 1, commit.find(')') - open - 1);
}

void write_page(const CLI::App& command, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / (command_name(command, "-") + ".1");
  std::ofstream file(path);
  file << manual_page(command, commit_date());
  if (!file.flush()) fail(ErrorCode::io, "{} cannot be written", path.string());
}

}  // namespace

void add_script_commands(CLI::App& app, int& status) {
  CLI::App* complete = app.add_subcommand("complete", "What the word at the cursor may be");
  const auto words = std::make_shared<std::vector<std::string>>();
  complete->group("");
  complete->add_option("WORD", *words, "The words behind the program's name");
  complete->callback([&app, words, &status] {
    print_result(completion_text(complete_words(app, *words)));
    status = 0;
  });

  CLI::App* manual = app.add_subcommand("manual", "Write the manual pages");
  const auto folder = std::make_shared<std::filesystem::path>();
  manual->group("");
  manual->add_option("FOLDER", *folder, "Where they go")->required();
  manual->callback([&app, folder, &status] {
    write_page(app, *folder);
    for (const CLI::App* command : shown_commands(app)) write_page(*command, *folder);
    status = 0;
  });
}

}  // namespace metalaudio::apps
