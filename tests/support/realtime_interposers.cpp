// The functions that a real-time thread must not call, defined in the test program so that they
// shadow the C library's. Each tells the guard and goes on to the real one. This file is compiled
// without sanitizers: it runs before they are ready.
#include "realtime_guard.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>

using metalaudio::testing::RealtimeGuard;

namespace {

template <typename Function>
Function* next_function(std::atomic<Function*>& next, const char* name) {
  Function* function = next.load(std::memory_order_relaxed);
  if (function == nullptr) {
    const RealtimeGuard::Suspend suspend;
    function = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
    if (function == nullptr) std::abort();
    next.store(function, std::memory_order_relaxed);
  }
  return function;
}

}  // namespace

// Defines `name` under an alias, since the headers' declarations differ in noexcept and attributes.
#define METALAUDIO_INTERPOSE(result, name, parameters, arguments)   \
  extern "C" result guarded_##name parameters asm(#name);           \
  extern "C" result guarded_##name parameters {                     \
    static constinit std::atomic<result(*) parameters> next{};      \
    RealtimeGuard::note(#name);                                     \
    return next_function<result parameters>(next, #name) arguments; \
  }

METALAUDIO_INTERPOSE(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
METALAUDIO_INTERPOSE(int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
METALAUDIO_INTERPOSE(int, pthread_mutex_timedlock, (pthread_mutex_t * mutex, const timespec* until),
                     (mutex, until))
METALAUDIO_INTERPOSE(int, pthread_mutex_clocklock,
                     (pthread_mutex_t * mutex, clockid_t clock, const timespec* until),
                     (mutex, clock, until))
METALAUDIO_INTERPOSE(int, pthread_spin_lock, (pthread_spinlock_t * lock), (lock))
METALAUDIO_INTERPOSE(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
METALAUDIO_INTERPOSE(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
METALAUDIO_INTERPOSE(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), (lock))
METALAUDIO_INTERPOSE(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), (lock))
METALAUDIO_INTERPOSE(int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t* mutex),
                     (condition, mutex))
METALAUDIO_INTERPOSE(int, pthread_cond_timedwait,
                     (pthread_cond_t * condition, pthread_mutex_t* mutex, const timespec* until),
                     (condition, mutex, until))
METALAUDIO_INTERPOSE(int, pthread_cond_clockwait,
                     (pthread_cond_t * condition, pthread_mutex_t* mutex, clockid_t clock,
                      const timespec* until),
                     (condition, mutex, clock, until))
METALAUDIO_INTERPOSE(int, pthread_cond_signal, (pthread_cond_t * condition), (condition))
METALAUDIO_INTERPOSE(int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition))
METALAUDIO_INTERPOSE(int, pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier))
METALAUDIO_INTERPOSE(int, pthread_join, (pthread_t thread, void** result), (thread, result))
METALAUDIO_INTERPOSE(int, pthread_create,
                     (pthread_t * thread, const pthread_attr_t* attributes, void* (*body)(void*),
                      void* argument),
                     (thread, attributes, body, argument))
METALAUDIO_INTERPOSE(int, sem_wait, (sem_t * semaphore), (semaphore))
METALAUDIO_INTERPOSE(int, sem_trywait, (sem_t * semaphore), (semaphore))
METALAUDIO_INTERPOSE(int, sem_timedwait, (sem_t * semaphore, const timespec* until),
                     (semaphore, until))
METALAUDIO_INTERPOSE(int, sem_post, (sem_t * semaphore), (semaphore))

METALAUDIO_INTERPOSE(int, nanosleep, (const timespec* time, timespec* left), (time, left))
METALAUDIO_INTERPOSE(int, clock_nanosleep,
                     (clockid_t clock, int flags, const timespec* time, timespec* left),
                     (clock, flags, time, left))
METALAUDIO_INTERPOSE(int, usleep, (useconds_t microseconds), (microseconds))
METALAUDIO_INTERPOSE(unsigned, sleep, (unsigned seconds), (seconds))
METALAUDIO_INTERPOSE(int, sched_yield, (), ())
METALAUDIO_INTERPOSE(int, poll, (pollfd * files, nfds_t count, int milliseconds),
                     (files, count, milliseconds))
METALAUDIO_INTERPOSE(int, select,
                     (int count, fd_set* read, fd_set* write, fd_set* except, timeval* time),
                     (count, read, write, except, time))
METALAUDIO_INTERPOSE(int, epoll_wait, (int file, epoll_event* events, int count, int milliseconds),
                     (file, events, count, milliseconds))

METALAUDIO_INTERPOSE(ssize_t, read, (int file, void* data, size_t size), (file, data, size))
METALAUDIO_INTERPOSE(ssize_t, write, (int file, const void* data, size_t size), (file, data, size))
METALAUDIO_INTERPOSE(ssize_t, readv, (int file, const iovec* parts, int count),
                     (file, parts, count))
METALAUDIO_INTERPOSE(ssize_t, writev, (int file, const iovec* parts, int count),
                     (file, parts, count))
METALAUDIO_INTERPOSE(ssize_t, pread, (int file, void* data, size_t size, off_t offset),
                     (file, data, size, offset))
METALAUDIO_INTERPOSE(ssize_t, pwrite, (int file, const void* data, size_t size, off_t offset),
                     (file, data, size, offset))
METALAUDIO_INTERPOSE(ssize_t, send, (int socket, const void* data, size_t size, int flags),
                     (socket, data, size, flags))
METALAUDIO_INTERPOSE(ssize_t, recv, (int socket, void* data, size_t size, int flags),
                     (socket, data, size, flags))
METALAUDIO_INTERPOSE(int, open, (const char* path, int flags, mode_t mode), (path, flags, mode))
METALAUDIO_INTERPOSE(int, openat, (int folder, const char* path, int flags, mode_t mode),
                     (folder, path, flags, mode))
METALAUDIO_INTERPOSE(int, close, (int file), (file))
METALAUDIO_INTERPOSE(int, fsync, (int file), (file))
METALAUDIO_INTERPOSE(int, ioctl, (int file, unsigned long request, void* argument),
                     (file, request, argument))
METALAUDIO_INTERPOSE(void*, mmap,
                     (void* address, size_t size, int protection, int flags, int file, off_t at),
                     (address, size, protection, flags, file, at))
METALAUDIO_INTERPOSE(int, munmap, (void* address, size_t size), (address, size))
METALAUDIO_INTERPOSE(int, mprotect, (void* address, size_t size, int protection),
                     (address, size, protection))
METALAUDIO_INTERPOSE(int, madvise, (void* address, size_t size, int advice),
                     (address, size, advice))
METALAUDIO_INTERPOSE(long, syscall, (long number, long a, long b, long c, long d, long e, long f),
                     (number, a, b, c, d, e, f))

// The C library's own stdio reaches write() without passing through the symbol.
METALAUDIO_INTERPOSE(FILE*, fopen, (const char* path, const char* mode), (path, mode))
METALAUDIO_INTERPOSE(int, fclose, (FILE * file), (file))
METALAUDIO_INTERPOSE(int, fflush, (FILE * file), (file))
METALAUDIO_INTERPOSE(size_t, fread, (void* data, size_t size, size_t count, FILE* file),
                     (data, size, count, file))
METALAUDIO_INTERPOSE(size_t, fwrite, (const void* data, size_t size, size_t count, FILE* file),
                     (data, size, count, file))
METALAUDIO_INTERPOSE(int, fputs, (const char* text, FILE* file), (text, file))
METALAUDIO_INTERPOSE(int, puts, (const char* text), (text))
METALAUDIO_INTERPOSE(int, fputc, (int character, FILE* file), (character, file))
METALAUDIO_INTERPOSE(int, putc, (int character, FILE* file), (character, file))
METALAUDIO_INTERPOSE(int, putchar, (int character), (character))
METALAUDIO_INTERPOSE(int, vfprintf, (FILE * file, const char* format, va_list arguments),
                     (file, format, arguments))

extern "C" int guarded_printf(const char* format, ...) asm("printf");
extern "C" int guarded_printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vfprintf(stdout, format, arguments);
  va_end(arguments);
  return written;
}

extern "C" int guarded_fprintf(FILE* file, const char* format, ...) asm("fprintf");
extern "C" int guarded_fprintf(FILE* file, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vfprintf(file, format, arguments);
  va_end(arguments);
  return written;
}

#if METALAUDIO_SANITIZED

// A sanitizer owns malloc; its hooks report operator new and all of its family but these.
METALAUDIO_INTERPOSE(void*, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
METALAUDIO_INTERPOSE(int, posix_memalign, (void** data, size_t alignment, size_t size),
                     (data, alignment, size))

extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           size_t),
                                                         void (*on_free)(const volatile void*));

[[maybe_unused]] static const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t) { RealtimeGuard::note("malloc"); },
    [](const volatile void* data) {
      if (data != nullptr) RealtimeGuard::note("free");
    });

#else

// The allocator is reached by its internal names, since dlsym itself allocates.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* data, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* data);

void* malloc(size_t size) noexcept {
  RealtimeGuard::note("malloc");
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) noexcept {
  RealtimeGuard::note("calloc");
  return __libc_calloc(count, size);
}

void* realloc(void* data, size_t size) noexcept {
  RealtimeGuard::note("realloc");
  return __libc_realloc(data, size);
}

void* memalign(size_t alignment, size_t size) noexcept {
  RealtimeGuard::note("memalign");
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  RealtimeGuard::note("aligned_alloc");
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** data, size_t alignment, size_t size) noexcept {
  RealtimeGuard::note("posix_memalign");
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* const block = __libc_memalign(alignment, size);
  if (block == nullptr) return ENOMEM;
  *data = block;
  return 0;
}

void free(void* data) noexcept {
  if (data != nullptr) RealtimeGuard::note("free");
  __libc_free(data);
}
}

#endif
