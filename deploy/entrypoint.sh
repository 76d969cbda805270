#!/bin/sh
# `entrypoint.sh server|keyholder|witness` runs that program on /state/config.json; anything else is a command of the
# command line: `entrypoint.sh keyholder setup --dir /state …`.
set -eu
cd "$(dirname "$0")/.."
# Without a secret mounted the passphrase is kept beside what it seals: it then protects backups, not the volume.
[ -e "${PORCHLIGHT_PASSPHRASE_FILE:-}" ] || unset PORCHLIGHT_PASSPHRASE_FILE
if [ $# = 1 ]; then
  case $1 in
    server | keyholder | witness) exec node "apps/$1/src/main.ts" /state/config.json ;;
  esac
fi
exec node apps/cli/src/main.ts "$@"
