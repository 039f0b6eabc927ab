#!/bin/sh
# Plan sha256:28c2f996ae3da99c1724b49e64c26ab5abbb4b0084d721310c6c0804529fe40b
# for pool test pool (pool).
# 3 steps, one after another: about 6 min (3 to 12 min), 24.0 GiB to copy.
# Run it where xe reaches the coordinator:
#   sh run.sh --dry-run   shows what it would do, and moves nothing
#   sh run.sh             carries the plan out; begun again, it passes over what is done
#   sh run.sh back        takes back what was moved (with --dry-run: shows it)
# What it says stands in run.log beside it as well, or in the file that RUN_LOG names.
# It checks less than `rebalancer apply` does: where the VMs are, and what XAPI itself refuses.
set -eu

PATIENCE=60  # seconds that xe may take to answer a question
AGAIN='run it again: it passes over what is done. To take back what was moved: sh run.sh back'
log=${RUN_LOG:-$(dirname "$0")/run.log}
dry=
moved='|'

tell() {
  printf '%s\n' "$1"
  [ -n "$dry" ] || printf '%s %s\n' "$(date -u '+%Y-%m-%d %H:%M:%SZ')" "$1" 2>/dev/null >> "$log" || :
}

# stop PROBLEM NEXT
stop() {
  tell "stopped: $1" >&2
  tell "next: $2" >&2
  exit 5
}

# limited SECONDS COMMAND...: ends it after so long, with 124, where there is a `timeout`
limited() {
  most=$1
  shift
  if command -v timeout > /dev/null 2>&1; then
    timeout "$most" "$@"
  else
    "$@"
  fi
}

# ask ARGUMENTS...: what xe answers
ask() {
  limited "$PATIENCE" xe "$@" || stop "xe does not answer: xe $*" "see that xe reaches the coordinator, then $AGAIN"
}

# where VM: the host that it is on; in a dry run the one that it would be on
where() {
  case "$moved" in
    *"|$1="*)
      rest=${moved##*"|$1="}
      printf '%s\n' "${rest%%"|"*}"
      ;;
    *) ask vm-param-get uuid="$1" param-name=resident-on ;;
  esac
}

# made VM HOST...: whether it is on one of these hosts
made() {
  at=$(where "$1") || exit 5
  shift
  for host; do
    [ "$at" != "$host" ] || return 0
  done
  return 1
}

passed() {
  tell "passed: $1 is done already"
}

# step LASTS LIMIT WORDS VM TARGET FROM... -- DONE...
# Moves the VM to TARGET if it is on a host FROM. If it is on a host DONE, the step is made already.
step() {
  lasts=$1 limit=$2 words=$3 vm=$4 target=$5
  shift 5
  state=$(ask vm-param-get uuid="$vm" param-name=power-state) || exit 5
  [ "$state" = running ] ||
    stop "VM $(named "$vm") is $state, not running" "start or resume it, then $AGAIN"
  at=$(where "$vm") || exit 5
  ready=
  while [ "$1" != -- ]; do
    [ "$at" != "$1" ] || ready=yes
    shift
  done
  shift
  for host; do
    [ "$at" != "$host" ] || { passed "$words"; return 0; }
  done
  [ -n "$ready" ] ||
    stop "VM $(named "$vm") is on host $(named "$at"), where the plan has it at no time" \
      "somebody moved it: make a new plan, or move it to $(named "$target"), then $AGAIN"
  busy=$(ask vm-param-get uuid="$vm" param-name=current-operations) || exit 5
  [ -z "$busy" ] ||
    stop "VM $(named "$vm") is busy: $busy" "wait until that is over (xe task-list), then $AGAIN"
  if [ -n "$dry" ]; then
    tell "would make $words: xe vm-migrate uuid=$vm host-uuid=$target live=true"
    moved="$moved$vm=$target|"
    return 0
  fi
  within "$lasts"
  tell "$words"
  code=0
  said=$(limited "$limit" xe vm-migrate uuid="$vm" host-uuid="$target" live=true 2>&1) || code=$?
  [ -z "$said" ] || tell "xe: $said"
  [ "$code" != 124 ] ||
    stop "xe gave no answer within $limit s; VM $(named "$vm") may still be on its way" \
      "wait until the migration is over (xe task-list), then $AGAIN"
  arrived
}

# Whether the VM of the step arrived: what xe says is not believed, neither a yes nor a no.
arrived() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    at=$(where "$vm") || exit 5
    [ "$at" != "$target" ] || return 0
    [ "$code" = 0 ] ||
      stop "xe did not move VM $(named "$vm"), which is on host $(named "$at")" \
        "mend what xe says above, then $AGAIN"
    sleep 3
  done
  stop "VM $(named "$vm") is on host $(named "$at"), not on $(named "$target"), although xe reported no error" \
    "look at it in the pool (xe task-list), then $AGAIN"
}

# named UUID: what a VM or a host is called
named() {
  case "$1" in
    *) printf '%s\n' "$1" ;;
  esac
}

within() { :; }

forward() {
  step 120 719 's01: app|1 from h1 to h2' 'app|1' h2 h1 -- h2
  step 64 600 's02: web-2 from h2 to h3' web-2 h3 h2 -- h3
  step 176 1053 's03: batch from h1 to h3' batch h3 h1 -- h3
  tell 'all of it is done'
}

back() {
  step 64 600 'r01: web-2 from h3 to h2' web-2 h2 h3 -- h2
  step 120 719 'r02: app|1 from h2 to h1' 'app|1' h1 h2 -- h1
  step 176 1053 'r03: batch from h3 to h1' batch h1 h3 -- h1
  tell 'what was moved is back'
}

way=forward
for word; do
  case "$word" in
    forward | back) way=$word ;;
    --dry-run) dry=yes ;;
    *)
      dry=yes
      stop "what is $word? usage: run.sh [forward | back] [--dry-run]" 'sh run.sh --dry-run shows what it would do'
      ;;
  esac
done
interrupted() {
  stop 'interrupted; a migration that was begun goes on in the pool' "wait until it is over (xe task-list), then $AGAIN"
}
trap interrupted HUP INT TERM

if [ -z "$dry" ] && ! (umask 077 && : >> "$log") 2> /dev/null; then
  dry=yes
  stop "the log $log cannot be written" 'name another file: RUN_LOG=FILE sh run.sh'
fi
command -v xe > /dev/null || stop 'there is no xe on this machine' 'run it on a host of the pool'
found=$(ask pool-list params=uuid --minimal) || exit 5
[ "$found" = pool ] || stop "this is another pool: $found" 'run it on a host of pool test pool (pool)'

if [ "$way" = forward ]; then
  [ "$(date +%s)" -le 1793584800 ] ||
    stop 'the plan has expired' 'make a new plan; sh run.sh back still takes back what was moved'
  forward
else
  within() { :; }
  back
fi
