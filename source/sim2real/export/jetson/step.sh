#!/bin/sh
# Runs a program on the device so that it survives the connection. Sent and called by sim2real; needs coreutils alone.
#   step.sh start NAME SECONDS PROGRAM ARG...   begin; NAME.log gets the output, NAME.rc the exit code at the end
#   step.sh stop NAME                           end it, whatever it does
#   step.sh status NAME                         none, running, "done CODE", or gone (it ended without an exit code)
here=$(dirname "$0") && cd "$here" || exit 1
what=$1 name=$2
case $name in *[!a-z0-9_]* | "") exit 2 ;; esac
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
case $what in
start)
    shift
    rm -f "$name.rc" "$name.log" "$name.run"
    nohup setsid sh step.sh run "$@" >/dev/null 2>&1 </dev/null &
    echo "$! $boot" >"$name.pid"
    ;;
run)
    seconds=$3 && shift 3
    timeout -k 5 "$seconds" "$@" >"$name.log" 2>&1 &
    echo "$! $boot" >"$name.run"
    wait "$!"
    echo "$?" >"$name.rc.part" && mv "$name.rc.part" "$name.rc"
    ;;
stop)
    # timeout hands the signal on to everything that it began
    if [ -f "$name.run" ] && read -r pid began <"$name.run" && [ "$began" = "$boot" ]; then kill "$pid" 2>/dev/null; fi
    true
    ;;
status)
    if [ ! -f "$name.pid" ]; then echo none && exit; fi
    read -r pid began <"$name.pid"
    if [ ! -f "$name.rc" ] && [ "$began" = "$boot" ] && kill -0 "$pid" 2>/dev/null; then echo running && exit; fi
    if [ -f "$name.rc" ]; then read -r code <"$name.rc" && echo "done $code"; else echo gone; fi
    ;;
*) exit 2 ;;
esac
