#include <metalaudio/core/compute_context.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace metalaudio {

namespace {

constexpr std::size_t kSlots = 3;
constexpr std::size_t kMostValues = std::size_t{1} << 28;

ComputeOptions checked(ComputeOptions options) {
  if (options.out_values == 0) options.out_values = options.in_values;
  if (options.block_samples == 0) options.block_samples = options.in_values;
  for (const std::size_t size : {options.in_values, options.out_values, options.block_samples}) {
    if (size == 0 || size > kMostValues) {
      fail(ErrorCode::invalid_argument, "[ComputeContext] a block of {}: expected 1 to {}", size,
           kMostValues);
    }
  }
  if (options.latency_blocks < 1 || options.latency_blocks >= kSlots) {
    fail(ErrorCode::invalid_argument, "[ComputeContext] {} blocks of latency: expected 1 or 2",
         options.latency_blocks);
  }
  LaunchShape& shape = options.shape;
  if (shape.threads == 0) fail(ErrorCode::invalid_argument, "[ComputeContext] 0 threads");
  if (shape.blocks == 0) {
    const auto values = static_cast<std::uint32_t>(options.out_values);
    shape.blocks = (values + shape.threads - 1) / shape.threads;
  }
  return options;
}

void silence(std::span<float> out) noexcept { std::ranges::fill(out, 0.0F); }

}  // namespace

ComputeContext::ComputeContext(std::shared_ptr<AudioDevice> device,
                               std::shared_ptr<const Pipeline> pipeline,
                               const ComputeOptions& options)
    : device_(std::move(device)),
      pipeline_(std::move(pipeline)),
      options_(checked(options)),
      handover_(kSlots, Job{StagingBuffer(options_.in_values * sizeof(float), device_),
                            StagingBuffer(options_.out_values * sizeof(float), device_)}) {
  for (Job& job : jobs_) {
    job = Job{StagingBuffer(options_.in_values * sizeof(float), device_),
              StagingBuffer(options_.out_values * sizeof(float), device_)};
    free_.push_back(&job);
  }
  if (pipeline_->kernel() == nullptr || device_->accelerator() == nullptr) {
    if (!pipeline_->cpu()) {
      fail(ErrorCode::backend_unavailable, "[ComputeContext] {} has no function for the CPU",
           pipeline_->name());
    }
    place_ = ComputePlace::cpu;
  } else {
    if (pipeline_->device() != device_.get()) {
      fail(ErrorCode::invalid_argument, "[ComputeContext] {} was made for another device",
           pipeline_->name());
    }
    device_in_ = Buffer(options_.in_values * sizeof(float), device_);
    device_out_ = Buffer(options_.out_values * sizeof(float), device_);
    run_on_device(jobs_[0]);
  }
  worker_.emplace(options_.poll_period, [this] { return work(); });
  warm_.wait(false);
}

ComputeContext::~ComputeContext() {
  std::unique_lock lock(mutex_);
  slot_free_.wait(lock, [this] { return free_.size() == jobs_.size(); });
}

bool ComputeContext::try_execute_async() noexcept {
  const std::uint64_t number = attempts_++;
  Job* const job = handover_.free_slot();
  if (job == nullptr) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  job->number = number;
  submitted_.fetch_add(1, std::memory_order_relaxed);
  handover_.submit();
  return true;
}

const ComputeContext::Job* ComputeContext::due_result() noexcept {
  if (attempts_ < options_.latency_blocks) return nullptr;
  const std::uint64_t due = attempts_ - options_.latency_blocks;
  if (due < next_read_) return nullptr;
  next_read_ = due + 1;
  const Job* job = handover_.finished();
  for (; job != nullptr && job->number < due; job = handover_.finished()) handover_.release();
  if (job != nullptr && job->number == due) return job;
  status_.report(Trouble::output_late);
  return nullptr;
}

bool ComputeContext::work() noexcept {
  if (!warm_) warm_up();
  Job* const job = handover_.next_job();
  if (job == nullptr) return work_for_others();
  run(*job);
  handover_.finish();
  // Whoever reads the count finds the results.
  finished_.fetch_add(1, std::memory_order_release);
  return true;
}

/// What a GPU's driver does for a thread that meets it first, before anybody waits for a result.
void ComputeContext::warm_up() noexcept {
  worker_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  for (Job& job : jobs_)
    if (place_ == ComputePlace::device) run(job);
  warm_ = true;
  warm_.notify_one();
}

bool ComputeContext::work_for_others() noexcept {
  Job* job = nullptr;
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || waiting_.empty()) return false;
    job = waiting_.front();
    waiting_.pop_front();
  }
  run(*job);
  finished_.fetch_add(1, std::memory_order_relaxed);
  try {
    job->done(std::as_const(job->out).floats(), job->trouble);
  } catch (...) {
    status_.report(Trouble::output_silenced);
  }
  job->done = nullptr;
  const std::lock_guard lock(mutex_);
  free_.push_back(job);
  // Within the lock: the context may end as soon as it is free.
  slot_free_.notify_all();
  return true;
}

void ComputeContext::run(Job& job) noexcept {
  job.trouble = Trouble::none;
  const std::span<float> out = job.out.floats();
  switch (place_.load(std::memory_order_relaxed)) {
    case ComputePlace::device:
      try {
        run_on_device(job);
        return;
      } catch (const std::exception& error) {
        lose(error.what());
      }
      job.trouble = Trouble::device_lost;
      break;
    case ComputePlace::cpu:
      try {
        pipeline_->cpu()(std::as_const(job.in).floats(), out);
        return;
      } catch (...) {
        job.trouble = Trouble::output_silenced;
        status_.report(job.trouble);
      }
      break;
    case ComputePlace::silent:
      job.trouble = Trouble::device_lost;
      break;
  }
  silence(out);
}

void ComputeContext::run_on_device(Job& job) {
  Accelerator& gpu = *device_->accelerator();
  gpu.upload_async(device_in_.handle(), 0, job.in.data(), job.in.bytes());
  void* in = device_in_.handle();
  void* out = device_out_.handle();
  auto out_values = static_cast<int>(options_.out_values);
  auto in_values = static_cast<int>(options_.in_values);
  const std::array<void*, 4> arguments{&in, &out, &out_values, &in_values};
  pipeline_->kernel()->launch(options_.shape, arguments);
  gpu.download_async(job.out.data(), device_out_.handle(), 0, job.out.bytes());
  device_->synchronize();
}

/// What fails here would fail again: the device is not asked any more.
void ComputeContext::lose(const char* reason) noexcept {
  try {
    loss_ = reason;
  } catch (...) {
    loss_.clear();
  }
  lost_.store(true, std::memory_order_release);
  place_.store(pipeline_->cpu() ? ComputePlace::cpu : ComputePlace::silent,
               std::memory_order_release);
  loss_status_.report(Trouble::device_lost);
}

Trouble ComputeContext::status() const noexcept {
  const Trouble loss = loss_status_.peek();
  return loss != Trouble::none ? loss : status_.peek();
}

Trouble ComputeContext::take_status() noexcept {
  const Trouble loss = loss_status_.take();
  return loss != Trouble::none ? loss : status_.take();
}

std::string ComputeContext::loss() const {
  return lost_.load(std::memory_order_acquire) ? loss_ : std::string();
}

void ComputeContext::check_caller(std::size_t in, std::size_t out) const {
  if (in != options_.in_values || out != options_.out_values) {
    fail(ErrorCode::invalid_argument, "[ComputeContext] {} values to {}: expected {} to {}", in,
         out, options_.in_values, options_.out_values);
  }
  if (std::this_thread::get_id() == worker_id_.load(std::memory_order_relaxed)) {
    fail(ErrorCode::invalid_argument, "[ComputeContext] a callback would wait for itself");
  }
}

void ComputeContext::execute_async(std::span<const float> in, Callback done) {
  check_caller(in.size(), options_.out_values);
  if (!done) fail(ErrorCode::invalid_argument, "[ComputeContext] no callback");
  Job* job = nullptr;
  {
    std::unique_lock lock(mutex_);
    slot_free_.wait(lock, [this] { return !free_.empty(); });
    job = free_.front();
    free_.pop_front();
  }
  std::ranges::copy(in, job->in.floats().begin());
  job->done = std::move(done);
  submitted_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  waiting_.push_back(job);
}

Trouble ComputeContext::execute(std::span<const float> in, std::span<float> out) {
  check_caller(in.size(), out.size());
  struct Answer {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Trouble> trouble;
  } answer;
  execute_async(in, [&](std::span<const float> result, Trouble trouble) {
    std::ranges::copy(result, out.begin());
    const std::lock_guard lock(answer.mutex);
    answer.trouble = trouble;
    answer.done.notify_all();
  });
  std::unique_lock lock(answer.mutex);
  answer.done.wait(lock, [&] { return answer.trouble.has_value(); });
  return *answer.trouble;
}

}  // namespace metalaudio
