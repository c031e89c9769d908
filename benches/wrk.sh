#!/bin/sh
# Requests per second of the example server with the layer on and off, in turns, as a ratio; and the
# server's CPU time for a request, which a busy machine disturbs less.
# Needs wrk (Debian package). ROUNDS=5 and SECONDS_EACH=4 unless the environment says otherwise.
# Target: at least 0.95 for /api/time.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-5}
each=${SECONDS_EACH:-4}
port=${PORT:-3100}

cargo build --quiet --release --example server
server=${CARGO_TARGET_DIR:-target}/release/examples/server
LAYER=on PORT=$port "$server" >/dev/null 2>&1 &
on=$!
LAYER=off PORT=$((port + 2)) "$server" >/dev/null 2>&1 &
off=$!
trap 'kill $on $off' EXIT
until curl -sf -o /dev/null "http://127.0.0.1:$port/" && curl -sf -o /dev/null "http://127.0.0.1:$((port + 2))/"; do
    sleep 0.2
done

# The choice as the layer itself sets it, and the cookies of a visitor who has been here.
choice=$(curl -s -o /dev/null -D - -d choice=accept "http://127.0.0.1:$port/_consent/choice" |
    sed -n 's/^set-cookie: \([^;]*consent=[^;]*\);.*/\1/Ip')
cookies="session=8f2d1c; visitor_id=42; ad_id=7; mystery=1; $choice"

# Hundredths of a second of CPU that a process took.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# Requests per second, and microseconds of the server's CPU for each: PROCESS PORT PATH
rate() {
    before=$(ticks "$1")
    wrk -t1 -c16 -d"${each}s" -H "Cookie: $cookies" -H "Accept: $accept" -H "Accept-Language: en-GB,en;q=0.9" \
        -H "Accept-Encoding: gzip, deflate, br, zstd" -H "Sec-Fetch-Dest: $destination" -H "Sec-Fetch-Site: same-origin" \
        -H "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36" \
        "http://127.0.0.1:$2$3" | awk -v before="$before" -v after_of="/proc/$1/stat" '
        / requests in / { requests = $1 }
        /^Requests\/sec:/ { rate = $2 }
        END { getline < after_of; printf "%.0f %.2f\n", rate, ($14 + $15 - before) * 10000 / requests }'
}

for path in /api/time /article; do
    case $path in
    /article) destination=document accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" ;;
    *) destination=empty accept="*/*" ;;
    esac
    rate $on "$port" $path >/dev/null
    round=0
    while [ $round -lt "$rounds" ]; do
        echo "$(rate $on "$port" $path) $(rate $off $((port + 2)) $path)"
        round=$((round + 1))
    done | awk -v path=$path '
        { ratio[NR] = $1 / $3; on[NR] = $1; off[NR] = $3; on_cpu[NR] = $2; off_cpu[NR] = $4 }
        END {
            n = NR; m = int((n + 1) / 2)
            sort(ratio, n); sort(on, n); sort(off, n); sort(on_cpu, n); sort(off_cpu, n)
            printf "%-10s best on %.0f/s, off %.0f/s, ratio %.3f; median of %d ratios %.3f (%.3f to %.3f); ",
                path, on[n], off[n], on[n] / off[n], n, ratio[m], ratio[1], ratio[n]
            printf "CPU, least: on %.2f us, off %.2f us; medians %.2f, %.2f\n", on_cpu[1], off_cpu[1], on_cpu[m], off_cpu[m]
        }
        function sort(a, n,   i, j, t) {
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
        }'
done
