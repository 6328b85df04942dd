#include "apps/commands/track_jobs.h"

#include <gtest/gtest.h>

namespace metalaudio::apps {
namespace {

TEST(TrackJobs, ShareTheThreadsAmongJobsOrGpus) {
  struct Case {
    std::size_t jobs, tracks, gpus, workers, threads_each;
  };
  for (const Case& c : {Case{0, 5, 0, 1, 16}, Case{0, 5, 1, 1, 16}, Case{0, 5, 2, 2, 8},
                        Case{0, 1, 2, 1, 16}, Case{1, 5, 2, 1, 16}, Case{3, 5, 2, 3, 5},
                        Case{8, 5, 0, 5, 3}, Case{40, 99, 0, 40, 1}, Case{0, 0, 2, 1, 16}}) {
    const Sharing found = share_threads(c.jobs, c.tracks, 16, c.gpus);
    EXPECT_EQ(found.workers, c.workers) << c.jobs << " jobs, " << c.gpus << " GPUs";
    EXPECT_EQ(found.threads_each, c.threads_each) << c.jobs << " jobs, " << c.gpus << " GPUs";
  }
}

}  // namespace
}  // namespace metalaudio::apps
