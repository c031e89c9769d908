#!/bin/sh
# Requests per second of the example server with the layer on and off, in turns, as a ratio.
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

# Requests per second: wrk PORT PATH
rate() {
    wrk -t1 -c16 -d"${each}s" -H "Cookie: $cookies" -H "Accept: $accept" -H "Accept-Language: en-GB,en;q=0.9" \
        -H "Accept-Encoding: gzip, deflate, br, zstd" -H "Sec-Fetch-Dest: $destination" -H "Sec-Fetch-Site: same-origin" \
        -H "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36" \
        "http://127.0.0.1:$1$2" | sed -n 's/^Requests\/sec: *//p'
}

for path in /api/time /article; do
    case $path in
    /article) destination=document accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" ;;
    *) destination=empty accept="*/*" ;;
    esac
    rate "$port" $path >/dev/null
    round=0
    while [ $round -lt "$rounds" ]; do
        echo "$(rate "$port" $path) $(rate $((port + 2)) $path)"
        round=$((round + 1))
    done | awk -v path=$path '
        { ratio[NR] = $1 / $2; if ($1 > on) on = $1; if ($2 > off) off = $2 }
        END {
            n = asort_(ratio, NR)
            printf "%-10s on %.0f/s, off %.0f/s, best against best %.3f, median of %d ratios %.3f (%.3f to %.3f)\n",
                path, on, off, on / off, NR, ratio[int((NR + 1) / 2)], ratio[1], ratio[NR]
        }
        function asort_(a, n,   i, j, t) {
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
            return n
        }'
done
