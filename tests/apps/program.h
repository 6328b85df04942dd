#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace metalaudio::apps {

/// What a program that ended left behind.
struct ProgramResult {
  int status = -1;  ///< the exit status, or 1000 + the signal that ended it
  std::string out;
  std::string err;
  std::int64_t peak_memory_kib = 0;
};

/// How to start the program.
struct ProgramSetting {
  std::filesystem::path folder;  ///< to run in; empty: here
  std::map<std::string, std::string> environment;
  std::uint64_t largest_file_bytes = 0;  ///< RLIMIT_FSIZE; 0: no limit
  std::vector<int> ignored_signals{};    ///< as nohup and shells leave them; all others are not
};

/// The built metalaudio program, started as a process of its own.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const ProgramSetting& setting = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send(int signal) const;
  /// What it has written to standard error so far.
  std::string err_so_far() const;
  ProgramResult wait();

 private:
  pid_t process_ = -1;
  std::filesystem::path out_;
  std::filesystem::path err_;
};

/// Runs it to its end.
ProgramResult run_program(const std::vector<std::string>& arguments,
                          const ProgramSetting& setting = {});

}  // namespace metalaudio::apps
