# Runs named and timed steps. To be sourced.
#
#   step NAME COMMAND [ARGUMENT…]   runs a command as a step; after a failure the script continues.
#                                   A command that cannot run here, and does not have to, exits with
#                                   status $step_not_done
#   beside NAME COMMAND [ARGUMENT…] starts a command at the lowest priority, so that it works while the steps leave
#                                   the processor idle
#   outcome_of NAME                 waits for it, prints what it printed, and ends with its status
#   end_besides                     ends the commands that still run, and removes what they printed; for a trap
#   steps_report                    prints the table of steps; fails if a step has failed

readonly step_not_done=77
step_rows=()
steps_failed=0
besides_groups=()

# Whole seconds as text: 7 s, 3 min 07 s.
step_duration() {
  if (($1 < 60)); then
    printf '%d s' "$1"
  else
    printf '%d min %02d s' "$(($1 / 60))" "$(($1 % 60))"
  fi
}

step() {
  local name=$1 begun=$SECONDS status=0 word=ok
  shift
  printf '\n== %s\n' "$name"
  # Not `"$@" || status=$?`, which would switch `set -e` off inside a function that runs as a step.
  set +e
  (
    set -euo pipefail
    "$@"
  )
  status=$?
  set -e
  if ((status == step_not_done)); then
    word='not done'
  elif ((status != 0)); then
    word=FAILED
    steps_failed=$((steps_failed + 1))
  fi
  local took
  took=$(step_duration $((SECONDS - begun)))
  printf -- '-- %s: %s, %s\n' "$name" "$word" "$took"
  step_rows+=("$(printf '%-34s %-8s %12s' "$name" "$word" "$took")")
}

beside() {
  local name=$1
  shift
  besides=${besides:-$(mktemp -d)}
  # A process group of its own, because the command starts others, and all of them have to be ended.
  set -m
  (
    status=0
    nice -n 19 "$@" >"$besides/$name.log" 2>&1 || status=$?
    echo "$status" >"$besides/$name.status"
  ) &
  besides_groups+=($!)
  set +m
}

end_besides() {
  local group
  for group in "${besides_groups[@]}"; do
    kill -- "-$group" 2>/dev/null || true
  done
  rm -rf "${besides-}"
}

# It is no child of the step that waits for it, so `wait` would not find it.
outcome_of() {
  until [[ -s $besides/$1.status ]]; do
    sleep 1
  done
  cat "$besides/$1.log"
  return "$(<"$besides/$1.status")"
}

steps_report() {
  printf '\n== Steps\n'
  printf '%s\n' "${step_rows[@]}"
  printf '%-34s %-8s %12s\n' 'all' "$( ((steps_failed == 0)) && echo ok || echo FAILED)" "$(step_duration "$SECONDS")"
  ((steps_failed == 0))
}
