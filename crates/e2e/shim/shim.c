/* Stands between a process and the C library, as a file system does that locks badly or a disk that breaks.
 *
 *   SHIM_FLOCK=nothing    flock() answers success and locks nothing
 *   SHIM_FLOCK=refused    flock() answers ENOLCK
 *   SHIM_SYNC=broken      fsync() and fdatasync() of files answer EIO
 *   SHIM_CLOCK=SECONDS    the time of day is off by this much
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int is(const char *name, const char *value) {
    const char *set = getenv(name);
    return set && strcmp(set, value) == 0;
}

int flock(int file, int operation) {
    if (is("SHIM_FLOCK", "nothing"))
        return 0;
    if (is("SHIM_FLOCK", "refused")) {
        errno = ENOLCK;
        return -1;
    }
    int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return next(file, operation);
}

static int sync_or_break(const char *name, int file) {
    if (is("SHIM_SYNC", "broken")) {
        errno = EIO;
        return -1;
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
    const char *offset = getenv("SHIM_CLOCK");
    if (answer == 0 && offset && clock == CLOCK_REALTIME)
        now->tv_sec += atol(offset);
    return answer;
}
