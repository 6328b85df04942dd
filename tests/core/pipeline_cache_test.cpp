#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/pipelines/pipeline_cache.h>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

using namespace std::chrono_literals;

class NamedKernel final : public Kernel {
 public:
  explicit NamedKernel(std::string bytes) : binary(std::move(bytes)) {}
  void launch(const LaunchShape&, std::span<void* const>) const override {}
  std::string binary;
};

/// A compiler that counts; sources of "wrong" do not compile.
struct CountingCompiler {
  std::atomic<int> builds{0};
  std::chrono::milliseconds time{0};
  std::string refused_binary;

  KernelCompiler compiler(const std::string& target = "sm_90") {
    return {.target = target,
            .build =
                [this](const KernelSource& source) {
                  ++builds;
                  std::this_thread::sleep_for(time);
                  if (source.source == "wrong") {
                    fail(ErrorCode::invalid_argument, "[Pipeline] {} does not compile",
                         source.entry);
                  }
                  return source.source + "/" + source.entry;
                },
            .load = [this](const std::string& binary) -> std::shared_ptr<const Kernel> {
              if (binary == refused_binary) fail(ErrorCode::invalid_data, "[Pipeline] not for me");
              return std::make_shared<NamedKernel>(binary);
            }};
  }
};

std::string binary_of(const std::shared_ptr<const Kernel>& kernel) {
  return dynamic_cast<const NamedKernel&>(*kernel).binary;
}

TEST(PipelineCache, EightThreadsThatAskForOneCompileItOnce) {
  CountingCompiler counting;
  counting.time = 30ms;
  PipelineCache cache(counting.compiler(), DiskCache());
  std::vector<std::shared_ptr<const Kernel>> kernels(8);
  std::vector<std::thread> threads;
  for (auto& kernel : kernels) {
    threads.emplace_back([&] { kernel = cache.get({"source", "entry"}); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counting.builds, 1);
  for (const auto& kernel : kernels) EXPECT_EQ(kernel, kernels[0]);
}

TEST(PipelineCache, KeepsTheLast64ThatWereUsed) {
  CountingCompiler counting;
  PipelineCache cache(counting.compiler(), DiskCache());
  const auto get = [&](int i) { return cache.get({"source", "entry" + std::to_string(i)}); };
  for (int i = 0; i < 64; ++i) get(i);
  const auto first = get(0);  // used again: 1 is the oldest now
  const auto oldest = get(1);
  get(0);
  for (int i = 2; i < 64; ++i) get(i);
  EXPECT_EQ(counting.builds, 64);
  get(64);
  EXPECT_EQ(cache.size(), 64U);
  EXPECT_EQ(get(0), first);
  EXPECT_EQ(counting.builds, 65);
  EXPECT_NE(get(1), oldest);
  EXPECT_EQ(counting.builds, 66);
  EXPECT_EQ(binary_of(oldest), "source/entry1");  // whoever holds it goes on
}

TEST(PipelineCache, AFailureReachesAllWhoWaitAndIsNotRemembered) {
  CountingCompiler counting;
  counting.time = 30ms;
  PipelineCache cache(counting.compiler(), DiskCache());
  std::atomic<int> errors{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      try {
        cache.get({"wrong", "entry"});
      } catch (const Error& error) {
        if (error.code() == ErrorCode::invalid_argument) ++errors;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 8);
  EXPECT_EQ(cache.size(), 0U);
  const int builds = counting.builds;
  EXPECT_THROW(cache.get({"wrong", "entry"}), Error);
  EXPECT_EQ(counting.builds, builds + 1);
}

TEST(PipelineCache, EveryPartOfASourceAndTheTargetMakeAnotherKernel) {
  CountingCompiler counting;
  const PipelineCache here(counting.compiler(), DiskCache());
  const PipelineCache there(counting.compiler("sm_80"), DiskCache());
  std::set<std::string> keys;
  int sources = 0;
  for (const KernelSource& source :
       {KernelSource{"ab", "c"}, KernelSource{"a", "bc"}, KernelSource{"a", "b", {"c"}},
        KernelSource{"a", "b", {"c", "d"}}, KernelSource{"a", "b", {"d", "c"}},
        KernelSource{"a", "b", {"cd"}}, KernelSource{"a", "b", {"c;1:d"}}, KernelSource{"", ""},
        KernelSource{"|0:;", ""}, KernelSource{"", "", {""}}}) {
    keys.insert(here.key_of(source));
    keys.insert(there.key_of(source));
    sources += 2;
  }
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(sources));
}

TEST(PipelineCache, TheNextProcessFindsThemOnDisk) {
  const TestFolder folder;
  CountingCompiler counting;
  const KernelSource source{"source", "entry", {"-DA=1"}};
  PipelineCache(counting.compiler(), DiskCache(folder.path())).get(source);
  PipelineCache next(counting.compiler(), DiskCache(folder.path()));
  EXPECT_EQ(binary_of(next.get(source)), "source/entry");
  EXPECT_EQ(counting.builds, 1);
  PipelineCache(counting.compiler("sm_100"), DiskCache(folder.path())).get(source);
  EXPECT_EQ(counting.builds, 2);
}

TEST(PipelineCache, WhatIncludesHeadersOfTheUsersOwnIsNotKeptOnDisk) {
  const TestFolder folder;
  CountingCompiler counting;
  for (const char* option : {"-Iheaders", "-I", "--include-path=headers", "--pre-include=a.h"}) {
    const KernelSource source{"source", "entry", {option}};
    PipelineCache(counting.compiler(), DiskCache(folder.path())).get(source);
    PipelineCache(counting.compiler(), DiskCache(folder.path())).get(source);
  }
  EXPECT_EQ(counting.builds, 8);
}

TEST(PipelineCache, CompilesAgainWhatIsDamagedOrRefusedOnDisk) {
  const TestFolder folder;
  CountingCompiler counting;
  const DiskCache disk(folder.path());
  PipelineCache cache(counting.compiler(), disk);
  const KernelSource source{"source", "entry"};
  cache.get(source);
  const std::filesystem::path file = disk.file_of(cache.key_of(source));
  write_text(file, "damaged");
  EXPECT_EQ(binary_of(PipelineCache(counting.compiler(), disk).get(source)), "source/entry");
  EXPECT_EQ(counting.builds, 2);
  EXPECT_EQ(disk.load(cache.key_of(source)), "source/entry");
  // Whole, but nothing that loads.
  disk.store(cache.key_of(source), "of an older driver");
  counting.refused_binary = "of an older driver";
  EXPECT_EQ(binary_of(PipelineCache(counting.compiler(), disk).get(source)), "source/entry");
  EXPECT_EQ(counting.builds, 3);
  EXPECT_EQ(disk.load(cache.key_of(source)), "source/entry");
}

TEST(PipelineCache, GoesOnWithoutADisk) {
  CountingCompiler counting;
  PipelineCache cache(counting.compiler(), DiskCache("/proc/nowhere"));
  EXPECT_EQ(binary_of(cache.get({"source", "entry"})), "source/entry");
}

/// Many threads over more kernels than it keeps: each gets its own, whole.
TEST(PipelineCache, IsSharedByManyThreads) {
  CountingCompiler counting;
  PipelineCache cache(counting.compiler(), DiskCache(), 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string entry = std::to_string((i * 7 + t) % 9);
        if ((i + t) % 11 == 0) {
          EXPECT_THROW(cache.get({"wrong", entry}), Error);
        } else {
          EXPECT_EQ(binary_of(cache.get({"source", entry})), "source/" + entry);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.size(), 4U);
}

}  // namespace
}  // namespace metalaudio
