#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "program.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;

fs::path capture_file() {
  std::string pattern = (fs::temp_directory_path() / "metalaudio-run-XXXXXX").string();
  ::close(::mkstemp(pattern.data()));
  return pattern;
}

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void redirect(const fs::path& path, int descriptor) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND);
  ::dup2(file, descriptor);
  ::close(file);
}

[[noreturn]] void become_program(std::vector<std::string> arguments, const ProgramSetting& setting,
                                 const fs::path& out, const fs::path& err) {
  redirect(out, STDOUT_FILENO);
  redirect(err, STDERR_FILENO);
  if (!setting.folder.empty() && ::chdir(setting.folder.c_str()) != 0) ::_exit(126);
  for (const auto& [name, value] : setting.environment) ::setenv(name.c_str(), value.c_str(), 1);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
  for (const int signal : setting.ignored_signals) std::signal(signal, SIG_IGN);
  if (setting.largest_file_bytes > 0) {
    const rlimit limit{setting.largest_file_bytes, setting.largest_file_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  arguments.insert(arguments.begin(), METALAUDIO_PROGRAM);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(METALAUDIO_PROGRAM, pointers.data());
  ::_exit(127);
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const ProgramSetting& setting)
    : out_(capture_file()), err_(capture_file()) {
  process_ = ::fork();
  if (process_ == 0) become_program(arguments, setting, out_, err_);
}

Program::~Program() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove(out_, ignored);
  fs::remove(err_, ignored);
}

void Program::send(int signal) const { ::kill(process_, signal); }

std::string Program::err_so_far() const { return content(err_); }

ProgramResult Program::wait() {
  int status = 0;
  rusage usage{};
  if (::wait4(process_, &status, 0, &usage) != process_) ADD_FAILURE() << "lost the program";
  process_ = -1;
  constexpr int kSignalled = 1000;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
  return {code, content(out_), content(err_), usage.ru_maxrss};
}

ProgramResult run_program(const std::vector<std::string>& arguments,
                          const ProgramSetting& setting) {
  return Program(arguments, setting).wait();
}

}  // namespace metalaudio::apps
