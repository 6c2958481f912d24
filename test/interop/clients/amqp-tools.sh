#!/usr/bin/env bash
# rabbitmq-c's command-line tools (Debian's amqp-tools).
set -euo pipefail
url=(--url "$AMQP_URL")
queue=$(amqp-declare-queue "${url[@]}" -q c-tools -d)
[ "$queue" = c-tools ] && echo "ok amqp-declare-queue"
amqp-publish "${url[@]}" -r c-tools -p -b "from C"
[ "$(amqp-get "${url[@]}" -q c-tools)" = "from C" ] && echo "ok amqp-publish, amqp-get"
for i in 1 2 3; do amqp-publish "${url[@]}" -r c-tools -b "$i"; done
[ "$(timeout 10 amqp-consume "${url[@]}" -q c-tools -c 3 cat)" = 123 ] && echo "ok amqp-consume"
amqp-delete-queue "${url[@]}" -q c-tools >/dev/null && echo "ok amqp-delete-queue"
