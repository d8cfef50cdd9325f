#!/bin/bash
# What try.sh has the booted Debian do, as root. Each wait is for something that is seen, for at most PATIENCE seconds.
set -Eeuo pipefail
PATIENCE=300
API=http://127.0.0.1:8900
CONFIG=/etc/shomare-mqtt/config.toml
TOKEN=/etc/shomare-mqtt/token
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

step() { printf '%s\n' "-- $*"; }
trap 'status=$? line=$LINENO; [ $status = 0 ] || { systemctl status --no-pager --full shomare-mqtt mosquitto simulator || :; journalctl --no-pager -n 40 -u shomare-mqtt; echo "-- FAILED: line $line: $BASH_COMMAND"; }' EXIT

is() { [ "$2" = "$3" ] || { echo "$1: '$2', and not '$3'"; return 1; }; }
of_unit() { systemctl show --value --property "$1" shomare-mqtt; }
fails() { if "$@"; then echo "$*: it did not fail"; return 1; fi; } # `! COMMAND` alone ends no script
apt_get() { apt-get --yes -o Dpkg::Use-Pty=0 "$@"; }
until_it_is() { # WHAT COMMAND…: until the command prints WHAT (a pattern of the shell)
    local wanted=$1 seen=
    shift
    for _ in $(seq "$((PATIENCE * 2))"); do
        seen=$("$@" 2>/dev/null || :)
        # shellcheck disable=SC2053 # a pattern is meant
        [[ $seen == $wanted ]] && return
        sleep 0.5
    done
    echo "$*: '$seen', and never '$wanted'"
    return 1
}
retained() { mosquitto_sub -t "shomare/$1" -C 1 -W 20; }
buy() { shomare-mqtt buy --country 7 --operator 1 --application 3 --timeout "$PATIENCE" "$@"; }
orders() { shomare-mqtt query orders --state all --quiet --timeout "$PATIENCE" | sort; }
simulated() { python3 -c 'import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode()), timeout=60)' "$API/_sim/$1" "$2"; }
simulator_state() { python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=60).read().decode())' "$API/_sim/state"; }

buys_a_number_and_gets_its_code() {
    local printed
    printed=$(buy --wait --quiet)
    echo "$printed"
    [[ $printed =~ ^\+?[0-9]{6,}$'\n'[0-9A-Za-z-]+$ ]]
}

start_simulator() {
    systemctl start simulator
    until_it_is '{*' simulator_state
}

install_it() {
    step "mosquitto, from Debian"
    apt_get -qq install mosquitto mosquitto-clients >/dev/null
    is "mosquitto" "$(systemctl is-active mosquitto)" active

    step "an older version, without a token: it waits, and says so"
    apt_get -qq install /try/older.deb | tee /try/apt.log | tail -n 12
    grep -q "waits for the token" /try/apt.log
    is "enabled" "$(systemctl is-enabled shomare-mqtt)" enabled
    is "state" "$(of_unit ActiveState)/$(of_unit Result)/$(of_unit NRestarts)" inactive/success/0
    systemctl status --no-pager shomare-mqtt | tee /try/status || :
    grep -q "ConditionFileNotEmpty=$TOKEN was not met" /try/status
    is "failed units" "$(systemctl list-units --failed --plain --no-legend shomare-mqtt.service)" ""
    is "the token's mode" "$(stat -c '%a %U %s' $TOKEN)" "600 root 0"
    is "conffiles" "$(dpkg-query -f '${Conffiles}' -W shomare-mqtt | awk '{print $1}' | xargs)" "$CONFIG"

    step "manual, completion, version"
    systemctl show --value --property=Documentation shomare-mqtt | grep -o '/usr/share/doc/[^ ]*' | xargs -d '\n' ls
    gzip -dc /usr/share/man/man1/shomare-mqtt.1.gz | grep -q '^\.SS "\\fBbuy'
    is "completion" "$(bash -c '. /usr/share/bash-completion/completions/shomare-mqtt; COMP_WORDS=(shomare-mqtt bu) COMP_CWORD=1; _shomare_mqtt_completion shomare-mqtt; echo "${COMPREPLY[*]}"')" "buy buying"
    shomare-mqtt --version
    shomare-mqtt demo --once --quiet | tail -n 3
}

configure() {
    step "settings and a token"
    printf '%s\n' "[Service]" "DynamicUser=yes" "ExecStart=/usr/bin/shomare-mqtt simulate --port 8900" >/etc/systemd/system/simulator.service
    systemctl daemon-reload
    start_simulator
    sed -i "s|^\[provider\]|&\nbase_url = \"$API/api\"\ntimeout = 5|" $CONFIG
    printf '%s\n' "" "[orders]" "poll_interval = 1" >>$CONFIG
    echo demo-token >$TOKEN
    shomare-mqtt check >/dev/null
    systemctl restart shomare-mqtt
    is "state" "$(of_unit ActiveState)" active
    until_it_is online retained bridge/state
    systemctl status --no-pager shomare-mqtt | head -n 8
    shomare-mqtt doctor || :
    step "exposure as systemd counts it"
    systemd-analyze security --no-pager --threshold=15 shomare-mqtt | tail -n 1
    step "a buy"
    buys_a_number_and_gets_its_code
}

steer() {
    step "reload: a good change is taken over, one with a mistake changes nothing"
    local pid
    pid=$(of_unit MainPID)
    sed -i 's/^max_price = .*/max_price = 6000/' $CONFIG
    systemctl reload shomare-mqtt
    until_it_is '*"max_price":6000*' retained bridge/info
    cp $CONFIG /try/good.toml
    sed -i 's/^max_price = .*/max_price = "much"/' $CONFIG
    systemctl reload shomare-mqtt
    until_it_is '*limits.max_price*' journalctl --no-pager -u shomare-mqtt
    is "state" "$(of_unit ActiveState) $(of_unit MainPID)" "active $pid"

    step "a bad setting at the start: it ends with 78, and is not started again"
    fails systemctl restart shomare-mqtt
    is "state" "$(of_unit ActiveState)/$(of_unit ExecMainStatus)/$(of_unit NRestarts)" failed/78/0
    systemctl status --no-pager shomare-mqtt | tail -n 5 || :
    cp /try/good.toml $CONFIG
    systemctl restart shomare-mqtt

    step "killed: it is started again"
    pid=$(of_unit MainPID)
    systemctl kill --signal=KILL shomare-mqtt
    until_it_is "active*" eval '[ "$(of_unit MainPID)" != '"$pid"' ] && of_unit ActiveState'
    until_it_is online retained bridge/state

    step "stopped while a buy is on its way: it ends in order, and the order is not forgotten"
    simulated fault '{"endpoint": "buy", "kind": "hang_after"}'
    mosquitto_pub -q 1 -t shomare/buy -m '{"country": 7, "operator": 1, "application": 3, "transaction": "hung"}'
    until_it_is '*"state":"buying"*' retained current
    systemctl stop shomare-mqtt
    is "state" "$(of_unit ActiveState)/$(of_unit Result)" inactive/success
    systemctl start shomare-mqtt
    until_it_is online retained bridge/state
    is "orders" "$(orders | wc -l)" 2
    shomare-mqtt query orders --state all --json
    # Its balance may have settled it by itself meanwhile.
    shomare-mqtt resolve --not-bought --timeout "$PATIENCE" || shomare-mqtt query orders
}

hang() {
    if [ "$(of_unit WatchdogUSec)" = 0 ]; then
        step "LEFT OUT: a hung process, since the unit has no watchdog"
        return
    fi
    step "hung: it is killed and started again"
    local pid
    # The unit's two minutes are sooner over here.
    mkdir -p /run/systemd/system/shomare-mqtt.service.d
    printf '%s\n' "[Service]" "WatchdogSec=20" "TimeoutAbortSec=5" >/run/systemd/system/shomare-mqtt.service.d/sooner.conf
    systemctl daemon-reload
    systemctl restart shomare-mqtt
    until_it_is online retained bridge/state
    pid=$(of_unit MainPID)
    kill -STOP "$pid"
    until_it_is "active*" eval '[ "$(of_unit MainPID)" != '"$pid"' ] && of_unit ActiveState'
    until_it_is '*watchdog*' journalctl --no-pager -u shomare-mqtt
    until_it_is online retained bridge/state
    rm -r /run/systemd/system/shomare-mqtt.service.d
    systemctl daemon-reload
    systemctl restart shomare-mqtt
}

upgrade() {
    step "upgrade: settings, token and orders are kept"
    local before settings
    before=$(orders)
    settings=$(sha256sum $CONFIG $TOKEN)
    apt_get -qq -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install /try/new.deb | tail -n 5
    is "settings" "$(sha256sum $CONFIG $TOKEN)" "$settings"
    dpkg-query -f '${Version}\n' -W shomare-mqtt
    is "state" "$(of_unit ActiveState)" active
    until_it_is online retained bridge/state
    is "orders" "$(orders)" "$before"
    buys_a_number_and_gets_its_code
    systemctl disable mosquitto # so that the next boot has the broker late
    orders >/try/orders
}

boot_with_the_broker_late() {
    step "booted while the broker is not there: it waits for it"
    is "state" "$(of_unit ActiveState)" active
    is "mosquitto" "$(systemctl is-active mosquitto || :)" inactive
    of_unit StatusText
    start_simulator
    systemctl start mosquitto
    until_it_is online retained bridge/state
    is "orders" "$(orders)" "$(cat /try/orders)"
    shomare-mqtt query profile --timeout "$PATIENCE" # no buy: a simulator that begins anew has the same ids again
    is "restarts" "$(of_unit NRestarts)" 0
}

remove_and_purge() {
    step "remove: settings, token and journal are kept"
    apt_get -qq remove shomare-mqtt >/dev/null
    fails systemctl is-active shomare-mqtt
    [ -s $CONFIG ]
    [ -s $TOKEN ]
    [ -s /var/lib/private/shomare-mqtt/journal.sqlite3 ]
    fails [ -e /usr/bin/shomare-mqtt ]

    step "purge: nothing is left"
    apt_get -qq purge shomare-mqtt >/dev/null
    is "what is left" "$(find / -xdev \( -path /proc -o -path /sys -o -path /try -o -path /var/cache/apt \) -prune -o -name '*shomare*' -print)" ""
    is "what names it" "$(grep -rl --exclude=simulator.service shomare /etc /var/lib/dpkg/status)" ""
    is "failed units" "$(systemctl list-units --failed --plain --no-legend)" ""
}

case $(cat /try/stage) in
installed)
    install_it
    configure
    steer
    hang
    upgrade
    ;;
booted-again)
    boot_with_the_broker_late
    remove_and_purge
    ;;
esac
