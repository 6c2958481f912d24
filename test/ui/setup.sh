#!/usr/bin/env bash
# Installs the browser that tests drive, when it is missing: Debian's chromium, unless WARREN_CHROMIUM names another one.
set -euo pipefail
command -v "${WARREN_CHROMIUM:-chromium}" >/dev/null && exit 0
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
