#!/bin/sh
# Plan sha256:d5d1aae51e896b0817126cf8b918c42888e8c815c05cfececc66e7182e4413bd
# for pool test pool (pool).
# 3 steps, 24.0 GiB to copy, about 5 min (3 to 10 min): repair from 1 to 0 breaches; balance from 606.4 to 7.224 weighted pCPU-hours. Hosts over their threshold: 1 before, 1 after (overload 13.5 and 2.5 pCPU-hours).
# Run it where xe reaches the coordinator: `sh run.sh`, or `sh run.sh back` to undo it.
# It checks less than `rebalancer apply` does: where the VMs are, and what XAPI itself refuses.
set -eu

stop() {
  printf 'stopped: %s\n' "$1" >&2
  exit 5
}

where() {
  xe vm-param-get uuid="$1" param-name=resident-on
}

# step WORDS VM SOURCE TARGET (uuids)
step() {
  printf '%s\n' "$1"
  state=$(xe vm-param-get uuid="$2" param-name=power-state)
  [ "$state" = running ] || stop "VM $2 is $state, not running"
  here=$(where "$2")
  [ "$here" = "$3" ] || stop "VM $2 is on host $here, not on $3"
  xe vm-migrate uuid="$2" host-uuid="$4" live=true
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    here=$(where "$2")
    [ "$here" = "$4" ] && return 0
    sleep 3
  done
  stop "VM $2 is on host $here, not on $4, although xe reported no error"
}

forward() {
  step 's01: app|1 from h1 to h2' 'app|1' h1 h2
  step 's02: web-2 from h2 to h3' web-2 h2 h3
  step 's03: batch from h1 to h3' batch h1 h3
}

back() {
  step 'r01: web-2 from h3 to h2' web-2 h3 h2
  step 'r02: app|1 from h2 to h1' 'app|1' h2 h1
  step 'r03: batch from h3 to h1' batch h3 h1
}

[ "$(xe pool-list params=uuid --minimal)" = pool ] || stop 'this is another pool'

case "${1:-forward}" in
  forward)
    [ "$(date +%s)" -le 1793584800 ] || stop 'the plan has expired: make a new one'
    forward
    ;;
  back) back ;;
  *) stop 'usage: run.sh [forward | back]' ;;
esac
