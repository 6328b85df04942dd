#pragma once

#include <string>

namespace metalaudio::apps {

/// "FILE: reason", once each: drops the "[Operation] " that library messages start with, and does
/// not repeat a subject that the message names itself. One line, whatever the message holds.
std::string failure_text(const std::string& subject, const std::string& message);

}  // namespace metalaudio::apps
