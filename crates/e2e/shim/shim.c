/* Stands between a process and the C library, as a file system does that locks badly or a disk that breaks.
 *
 *   SHIM_FLOCK=nothing    flock() answers success and locks nothing
 *   SHIM_FLOCK=refused    flock() answers ENOLCK
 *   SHIM_SYNC=broken      fsync() and fdatasync() of files answer EIO
 *   SHIM_CLOCK=SECONDS    the time of day is off by this much
 *   SHIM_CLOCK_JUMPS=SECONDS    the time of day jumps ahead and back by this much, every tenth of a second
 *   SHIM_SEEN=FILE        is made when any of these has had an effect
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int is(const char *name, const char *value) {
    const char *set = getenv(name);
    return set && strcmp(set, value) == 0;
}

static int effect(int answer) {
    const char *seen = getenv("SHIM_SEEN");
    if (seen) {
        int before = errno;
        int file = open(seen, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (file >= 0)
            close(file);
        errno = before;
    }
    return answer;
}

int flock(int file, int operation) {
    if (is("SHIM_FLOCK", "nothing"))
        return effect(0);
    if (is("SHIM_FLOCK", "refused")) {
        errno = ENOLCK;
        return effect(-1);
    }
    int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return next(file, operation);
}

static int sync_or_break(const char *name, int file) {
    if (is("SHIM_SYNC", "broken")) {
        errno = EIO;
        return effect(-1);
    }
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return next(file);
}

int fsync(int file) {
    return sync_or_break("fsync", file);
}

int fdatasync(int file) {
    return sync_or_break("fdatasync", file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*next)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int answer = next(clock, now);
    const char *offset = getenv("SHIM_CLOCK"), *jump = getenv("SHIM_CLOCK_JUMPS");
    if (answer != 0 || clock != CLOCK_REALTIME)
        return answer;
    if (offset) {
        now->tv_sec += atol(offset);
        effect(0);
    } else if (jump) {
        struct timespec since;
        next(CLOCK_MONOTONIC, &since);
        now->tv_sec += since.tv_nsec / 100000000 % 2 ? atol(jump) : -atol(jump);
        effect(0);
    }
    return answer;
}
