#!/bin/sh
# Tries an image as compose.yaml runs it: sh packaging/image/try.sh IMAGE [PLATFORM]. Needs docker and nothing else: the broker
# is eclipse-mosquitto of Docker Hub, the provider the simulated one of the image itself.
set -eu
image=$1
platform=${2:-}
name=shomare-try-$$
run() { docker run --rm ${platform:+--platform "$platform"} --network "$name" "$@"; }
cleanup() {
    docker rm --force "$name-broker" "$name-shop" "$name-daemon" >/dev/null 2>&1 || true
    docker network rm "$name" >/dev/null 2>&1 || true
}
trap cleanup EXIT INT TERM
# Waits for a word of a container: within two minutes, since an emulated processor may be behind it.
until_says() {
    for _ in $(seq 120); do
        docker logs "$1" 2>&1 | grep -q "$2" && return
        sleep 1
    done
    docker logs "$1"
    echo "$1 does not say '$2'" >&2
    return 1
}
docker network create "$name" >/dev/null
docker run --detach --name "$name-broker" --network "$name" --network-alias broker docker.io/library/eclipse-mosquitto:2 \
    sh -c 'printf "listener 1883\nallow_anonymous true\n" >/tmp/m.conf && exec mosquitto -c /tmp/m.conf' >/dev/null
run --detach --name "$name-shop" --network-alias shop "$image" simulate --host 0.0.0.0 --port 8000 >/dev/null
run --detach --name "$name-daemon" --read-only --cap-drop ALL --security-opt no-new-privileges \
    --env SHOMARE_MQTT__HOST=broker --env SHOMARE_PROVIDER__BASE_URL=http://shop:8000/api \
    --env SHOMARE_PROVIDER__TOKEN=demo-token --env SHOMARE_ORDERS__POLL_INTERVAL=1 "$image" >/dev/null
until_says "$name-daemon" "takes the token"
docker exec "$name-daemon" shomare-mqtt buy --country Russia --operator 1 --application Telegram --wait
docker exec "$name-daemon" /usr/lib/shomare-mqtt/healthcheck
docker exec "$name-daemon" id -u | grep -qx 10001
docker stop --time 60 "$name-daemon" >/dev/null
echo "== $image ${platform:-} bought a number to its code, is healthy, and ended when it was told"
