#!/usr/bin/env bash
# The viewer on a display of its own, worked by its keys as a person would: open, step, compare, save, quit, open again.
# end_to_end.sh DENDROKV_VIEW TRACE RUNS. On failure the screen is kept as end_to_end.xwd beside the test's output.
set -euo pipefail
view=$1 trace=$2 runs=$3

work=$(mktemp -d)
cleanup() {
  local status=$?
  [ $status -eq 0 ] || cp "$work/screen/Xvfb_screen0" end_to_end.xwd 2>/dev/null || true
  kill "${viewer:-}" "${server:-}" 2>/dev/null || true
  rm -rf "$work"
  exit $status
}
trap cleanup EXIT
complain() { echo "end_to_end: $*" >&2; exit 1; }

cp "$trace" "$work/t.h5"
cp "$runs" "$work/r.h5"
sum=$(sha256sum <"$work/t.h5")
mkdir "$work/screen"
# The server names its display on a pipe when it is ready.
mkfifo "$work/display"
Xvfb -displayfd 3 -screen 0 1280x800x24 -fbdir "$work/screen" -nolisten tcp 3>"$work/display" 2>/dev/null &
server=$!
read -r number <"$work/display"
export DISPLAY=:$number QT_QPA_PLATFORM=xcb XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache

start() {
  "$view" "$@" --size 1280x800 2>"$work/errors" &
  viewer=$!
  window=$(timeout 60 xdotool search --sync --onlyvisible --name '^t[.]h5' | head -n 1)
  [ -n "$window" ] || complain "no window: $(cat "$work/errors")"
  xdotool windowfocus --sync "$window"
}
keys() { xdotool key --clearmodifiers "$@"; }
quit() {
  keys ctrl+q
  wait "$viewer" || complain "ended with $?: $(cat "$work/errors")"
}

start "$work/t.h5" "$work/r.h5"
keys Left Left Left w w c t ctrl+s
quit
saved=$work/t.dendrokv
[ -s "$saved" ] || complain "no workspace was saved"
grep -q '"step": 188' "$saved" || complain "three steps back from 191 are not 188: $(grep step "$saved")"
grep -q '"theme": "dark"' "$saved" || complain "the theme was not saved"
grep -q '"compare"' "$saved" || complain "the comparison is not shown"
[ -s "$XDG_STATE_HOME/dendrokv/viewer.json" ] || complain "the file is not among the recent ones"

# The workspace beside the trace opens with it.
start "$work/t.h5"
keys Right ctrl+s
quit
grep -q '"step": 189' "$saved" || complain "the workspace did not open with the trace: $(grep step "$saved")"
[ "$sum" = "$(sha256sum <"$work/t.h5")" ] || complain "the trace was written to"
