#include <fmt/format.h>

#include <string>

#include "apps/commands.h"
#include "apps/console.h"
#include "apps/versions.h"

namespace metalaudio::apps {

void add_info_command(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("info", "Show this machine and what the program uses of it");
  command->callback([&status] {
    std::string text = "MetalAudio " METALAUDIO_VERSION "\n\nlibraries\n";
    for (const LibraryVersion& library : library_versions())
      text += fmt::format("  {:14} {}\n", library.name, library.version);
    text.pop_back();
    print_result(text);
    status = 0;
  });
}

}  // namespace metalaudio::apps
