#pragma once

#include <exception>
#include <string>

namespace metalaudio::apps {

/// "FILE: reason", once each: drops the "[Operation] " that library messages start with, and does
/// not repeat a subject that the message names itself. One line, whatever the message holds.
std::string failure_text(const std::string& subject, const std::string& message);

/// What an exception says; of the file system's "PATH: reason", of an allocation "not enough memory".
std::string reason_of(const std::exception& error);

}  // namespace metalaudio::apps
