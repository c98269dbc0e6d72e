#!/bin/sh
# Keeps a private PostgreSQL server, in a new directory, on a socket in there.
#
#   postgres.sh quick     never waits for the disk
#   postgres.sh durable   as a real one does
#
# Says how to connect when the server is ready. Reads orders, one in a line, and says when each is done: `stop` (at
# once, as when it is killed) and `start`. When its input ends, so does the server, and the directory is removed.
set -eu

fail() { echo "$*" >&2; exit 1; }

# On Debian the programs are not on the path.
for directory in /usr/lib/postgresql/*/bin; do
    if [ -d "$directory" ]; then PATH="$directory:$PATH"; fi
done
command -v initdb >/dev/null && command -v postgres >/dev/null ||
    fail "PostgreSQL's programs initdb and postgres are needed: install the package postgresql"

case "${1-}" in
    quick) settings="-c fsync=off -c synchronous_commit=off -c full_page_writes=off" ;;
    durable) settings="-c fsync=on -c synchronous_commit=on -c full_page_writes=on" ;;
    *) fail "usage: postgres.sh quick|durable" ;;
esac

# Short, because the path of a socket must be.
directory=$(mktemp -d /tmp/globus-postgres.XXXXXX)
as=""
if [ "$(id -u)" = 0 ]; then
    # The server refuses to run as root.
    as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
    chown nobody:nogroup "$directory"
fi
server=""

stop() {
    if [ -n "$server" ]; then
        kill -QUIT "$server" 2>/dev/null || true
        wait "$server" || true
        server=""
        rm -f "$directory/data/postmaster.pid"
    fi
}

start() {
    # shellcheck disable=SC2086
    $as postgres -D "$directory/data" -k "$directory" -c listen_addresses= -c max_connections=300 $settings \
        >>"$directory/log" 2>&1 </dev/null &
    server=$!
    until grep -q '^ready' "$directory/data/postmaster.pid" 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || { cat "$directory/log" >&2; exit 1; }
        sleep 0.02
    done
}

trap 'stop; rm -rf "$directory"' EXIT
# A signal for the whole group of processes is not for this one: it ends when its input does.
trap '' HUP INT TERM

(cd "$directory" && $as initdb -D data -U postgres -A trust -E UTF8 --no-locale --no-sync >log 2>&1) ||
    { cat "$directory/log" >&2; exit 1; }
start
echo "host=$directory user=postgres dbname=postgres"
while read -r order; do
    case "$order" in
        stop) stop ;;
        start) start ;;
        *) fail "unknown order: $order" ;;
    esac
    echo "$order"
done
