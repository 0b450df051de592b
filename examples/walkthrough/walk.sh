#!/usr/bin/env bash
# A new user's first hour, from an empty folder to a change that is live. Run it, or read it:
#
#     examples/walkthrough/walk.sh            uses `tagwerk` from the PATH
#     TAGWERK=target/debug/tagwerk examples/walkthrough/walk.sh
#
# It works in a folder of its own, listens on ports that the system picks, and sends to nobody: its
# one destination is a rehearsal.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
binary=$(command -v "${TAGWERK:-tagwerk}")
binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

step() { printf '\n# %s\n' "$*"; }
tagwerk() { printf '$ tagwerk %s\n' "$*"; "$binary" "$@"; }

step "A folder to start from: one client, one tag, one case."
cd "$work"
tagwerk init shop --minimal
cd shop
# For this walk only: free ports, and a CRM that nothing is really sent to.
sed -i.bak -e 's/^listen = .*/listen = "127.0.0.1:0"/' -e 's/^url = "https:\/\/crm.*/&\ndry_run = true/' tagwerk.toml
export CRM_TOKEN=not-needed AMPLITUDE_API_KEY=x TRACIFY_TOKEN=x TRACIFY_CUSTOMER_SITE_ID=x SLACK_WEBHOOK_URL=https://hooks.slack.com/x

step "A client, from one request that was captured."
cp "$here/booking.http" captured.http
tagwerk new client --from captured.http
tagwerk trace captured.http

step "A tag for what the client makes, with a test beside it."
tagwerk new tag crm_booking --to crm --on booking.paid
tagwerk test --bless cases/booking
tagwerk test --coverage

step "A mistake is found before an event finds it."
sed -i.bak -e 's/const TO = "crm"/const TO = "crn"/' tags/crm_booking.rhai
if tagwerk check; then echo "the mistake was not found"; exit 1; fi
sed -i.bak -e 's/const TO = "crn"/const TO = "crm"/' tags/crm_booking.rhai
rm -f tags/*.bak tagwerk.toml.bak
tagwerk check

step "The server takes the request, and keeps it before it answers."
TAGWERK_LOG_FORMAT=text "$binary" serve >../serve.log 2>&1 &
server=$!
for _ in $(seq 100); do
    if grep -q listening ../serve.log; then break; fi
    sleep 0.1
done
address=$(sed -e 's/\x1b\[[0-9;]*m//g' ../serve.log | sed -n 's/.* address=\(127[0-9.:]*\).*/\1/p' | head -1)
sed '1,/^$/d' captured.http | curl -sS --fail -H 'content-type: application/json' --data-binary @- "http://$address/hooks/booking"
echo

step "A change, first as a draft: what would be sent otherwise?"
mkdir draft
cp -r tags draft/tags
sed -i.bak -e 's/value: num(event.value, ()),/value: num(event.value, ()),\n            guest: event.guest?.name,/' draft/tags/crm_booking.rhai
rm -f draft/tags/*.bak
tagwerk diff draft --since 1h

step "It is what was meant, so it goes live; and back, and live again."
tagwerk promote
tagwerk rollback
tagwerk promote
tagwerk trace captured.http --json | grep -q '"guest": "Anna"'
# What must come out is now another thing, and the case says so once it is blessed.
tagwerk test --bless cases/booking
tagwerk test
printf '\n# done\n'
