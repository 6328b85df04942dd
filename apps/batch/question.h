#pragma once

#include <string>

namespace metalaudio::apps {

/// Whether a person sits before the program: standard input and standard error are terminals.
bool can_ask();

/// Asks for yes or no; everything but yes is no.
/// Errors:   throws Error{cancelled} after a signal.
bool ask(const std::string& question);

}  // namespace metalaudio::apps
