/* A disk that fails: preloaded into a process, it stands between the program and the C library's calls on files.
 *
 * Only files whose path begins with FAULTY_DISK_PATH are touched. Every call on them has a number, from 0 on.
 *
 *   FAULTY_DISK_FIRST, FAULTY_DISK_COUNT   the calls that fail; none without them
 *   FAULTY_DISK_KIND                       `io` (EIO), `full` (ENOSPC for what takes room) or `short` (a write is made by half,
 *                                          what follows it in the same file finds no room; what is no write fails with EIO)
 *   FAULTY_DISK_SPARED                     what is behind the path of a file whose calls always go well, and have no number
 *   FAULTY_DISK_TRACE                      a file to which each call that changes something is written, see `record`
 *   FAULTY_DISK_STEPS                      a file to which the number of calls is written at the end
 *
 * SQLite maps only what it does not need after a crash (the index of its log), so that maps are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define MOST 4096

enum kind { FAULT_IO, FAULT_FULL, FAULT_SHORT };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *prefix, *spared;
static long first = -1, count;
static enum kind kind;
static int trace = -1;
static long steps;
/* The name behind the prefix of each file that is open, and whether its last write was a half one. */
static char *names[MOST];
static char halved[MOST];

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_read)(int, void *, size_t), (*real_write)(int, const void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t), (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *), (*real_close)(int);

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void set_up(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_read = dlsym(RTLD_NEXT, "read");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pread = dlsym(RTLD_NEXT, "pread");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_close = dlsym(RTLD_NEXT, "close");
    prefix = getenv("FAULTY_DISK_PATH");
    spared = getenv("FAULTY_DISK_SPARED");
    first = number("FAULTY_DISK_FIRST", -1);
    count = number("FAULTY_DISK_COUNT", 1);
    const char *named = getenv("FAULTY_DISK_KIND");
    kind = !named || !strcmp(named, "io") ? FAULT_IO : !strcmp(named, "full") ? FAULT_FULL : FAULT_SHORT;
    const char *path = getenv("FAULTY_DISK_TRACE");
    if (path) trace = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void begin(void) {
    pthread_once(&once, set_up);
    pthread_mutex_lock(&lock);
}

static void end(void) {
    int kept = errno;
    pthread_mutex_unlock(&lock);
    errno = kept;
}

static const char *name_of_path(const char *path) {
    size_t length = prefix ? strlen(prefix) : 0;
    return length && path && !strncmp(path, prefix, length) ? path + length : NULL;
}

static const char *name_of(int fd) { return fd >= 0 && fd < MOST ? names[fd] : NULL; }

/* Whether this call is one of those that fail. */
static int fails(const char *name) {
    if (spared && !strcmp(name, spared)) return 0;
    long step = steps++;
    return first >= 0 && step >= first && step < first + count;
}

/* One line of text, then the bytes: the call, the file, the offset and the length. */
static void record(char call, const char *name, off_t offset, const void *bytes, size_t length) {
    char head[256];
    if (trace < 0) return;
    int size = snprintf(head, sizeof head, "%c [%s] %lld %zu\n", call, name, (long long)offset, length);
    if (real_write(trace, head, size) != size || (bytes && real_write(trace, bytes, length) != (ssize_t)length)) {
        fputs("the trace of the disk cannot be written\n", stderr);
        abort();
    }
}

static int opened(const char *path, int flags, mode_t mode) {
    begin();
    const char *name = name_of_path(path);
    int fd = -1;
    if (name && fails(name)) {
        errno = kind == FAULT_FULL ? ENOSPC : EIO;
    } else {
        fd = real_open(path, flags, mode);
        if (name && fd >= 0 && fd < MOST) {
            names[fd] = strdup(name);
            halved[fd] = 0;
            if (flags & O_TRUNC) record('t', name, 0, NULL, 0);
        }
    }
    end();
    return fd;
}

#define MODE_OF(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return opened(path, flags | O_LARGEFILE, mode);
}

int close(int fd) {
    begin();
    if (name_of(fd)) {
        free(names[fd]);
        names[fd] = NULL;
    }
    int result = real_close(fd);
    end();
    return result;
}

/* `at` is -1 for the file's own place. Nobody waits here for a call on another file, which may be a socket. */
static ssize_t reading(int fd, void *bytes, size_t length, off_t at) {
    pthread_once(&once, set_up);
    if (!name_of(fd)) return at < 0 ? real_read(fd, bytes, length) : real_pread(fd, bytes, length, at);
    begin();
    const char *name = name_of(fd);
    ssize_t result;
    if (name && kind != FAULT_FULL && fails(name)) {
        errno = EIO;
        result = -1;
    } else {
        result = at < 0 ? real_read(fd, bytes, length) : real_pread(fd, bytes, length, at);
    }
    end();
    return result;
}

ssize_t read(int fd, void *bytes, size_t length) { return reading(fd, bytes, length, -1); }
ssize_t pread(int fd, void *bytes, size_t length, off_t at) { return reading(fd, bytes, length, at); }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) { return reading(fd, bytes, length, at); }

static ssize_t writing(int fd, const void *bytes, size_t length, off_t at) {
    pthread_once(&once, set_up);
    if (!name_of(fd)) return at < 0 ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, at);
    begin();
    const char *name = name_of(fd);
    ssize_t result = -1;
    if (name && halved[fd]) {
        halved[fd] = 0;
        errno = ENOSPC;
    } else {
        int failing = name && fails(name);
        if (failing && kind == FAULT_SHORT && length > 1) {
            halved[fd] = 1;
            length /= 2;
            failing = 0;
        }
        if (failing) {
            errno = kind == FAULT_IO ? EIO : ENOSPC;
        } else {
            off_t place = at < 0 && name ? lseek(fd, 0, SEEK_CUR) : at;
            result = at < 0 ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, at);
            if (name && result > 0) record('w', name, place, bytes, result);
        }
    }
    end();
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length) { return writing(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return writing(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return writing(fd, bytes, length, at); }

/* What a failed sync was to make durable may be lost for good, though a later one succeeds: as Linux has it. */
static int syncing(int fd, int (*real)(int)) {
    if (!name_of(fd)) return real(fd);
    begin();
    const char *name = name_of(fd);
    int result = -1;
    if (name && kind != FAULT_FULL && fails(name)) {
        record('f', name, 0, NULL, 0);
        errno = EIO;
    } else {
        result = real(fd);
        if (name) record(result ? 'f' : 's', name, 0, NULL, 0);
    }
    end();
    return result;
}

int fsync(int fd) {
    pthread_once(&once, set_up);
    return syncing(fd, real_fsync);
}

int fdatasync(int fd) {
    pthread_once(&once, set_up);
    return syncing(fd, real_fdatasync);
}

static int truncating(int fd, off_t length) {
    begin();
    const char *name = name_of(fd);
    int result = -1;
    if (name && fails(name)) {
        errno = kind == FAULT_FULL ? ENOSPC : EIO;
    } else {
        result = real_ftruncate(fd, length);
        if (name && !result) record('t', name, length, NULL, 0);
    }
    end();
    return result;
}

int ftruncate(int fd, off_t length) { return truncating(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncating(fd, length); }

int unlink(const char *path) {
    begin();
    const char *name = name_of_path(path);
    int result = -1;
    if (name && fails(name)) {
        errno = EIO;
    } else {
        result = real_unlink(path);
        if (name && !result) record('u', name, 0, NULL, 0);
    }
    end();
    return result;
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("FAULTY_DISK_STEPS");
    char text[32];
    if (!path || !real_open) return;
    int fd = real_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int size = snprintf(text, sizeof text, "%ld\n", steps);
    if (fd < 0 || real_write(fd, text, size) != size) fputs("the steps of the disk cannot be told\n", stderr);
}
