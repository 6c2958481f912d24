#!/usr/bin/env bash
# RabbitMQ 3.x's rabbitmqadmin (Debian's), as people's scripts call it. RABBITMQADMIN is the script, MANAGEMENT_PORT the port.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
admin() { python3 "$RABBITMQADMIN" -H 127.0.0.1 -P "$MANAGEMENT_PORT" "$@"; }
in_v() { admin -V admin/v "$@"; }
want() { [ "$1" = "$2" ] || { echo "$3: '$1' is not '$2'" >&2; exit 1; }; }
refused() { if "$@" >"$scratch/refused" 2>&1; then echo "accepted: $*" >&2; exit 1; fi; }

admin show overview rabbitmq_version cluster_name >/dev/null
admin declare vhost name=admin/v tracing=false
admin declare user name=admin.u password=x tags=monitoring,management
admin declare user name=admin.h password_hash=kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR \
  hashing_algorithm=rabbit_password_hashing_sha256 tags=
for user in guest admin.u; do admin declare permission vhost=admin/v user=$user configure='.*' write='.*' read='.*'; done
admin declare vhost_limit vhost=admin/v name=max-queues value=100
want "$(admin -f tsv list permissions user vhost | grep -c admin/v)" 2 "permissions"
refused admin -u admin.u -p x list users
echo "ok vhosts, users, permissions, limits"

in_v declare exchange name=x type=topic durable=true
in_v declare exchange name=y type=fanout auto_delete=true 'arguments={"alternate-exchange":"x"}'
in_v declare queue name=q/1 durable=true 'arguments={"x-max-length":100}'
in_v declare queue name=qq queue_type=quorum
in_v declare binding source=x destination=q/1 routing_key='a.#'
in_v declare binding source=x destination=y destination_type=exchange routing_key='b.#' 'arguments={"k":1}'
want "$(in_v -f tsv list queues name messages | tail -n +2 | sort | paste -sd' ')" "q/1	0 qq	0" "queues"
want "$(in_v -f tsv list bindings source destination | grep -c '^x')" 2 "bindings"
refused in_v declare queue name=q/1 durable=false
echo "ok exchanges, queues, bindings"

in_v declare policy name=p pattern='^q' 'definition={"message-ttl":1000000}' priority=2 apply-to=queues
in_v declare operator_policy name=o pattern='^q' 'definition={"expires":10000000}' apply-to=queues
want "$(in_v -f tsv list policies name pattern | tail -1)" "p	^q" "policies"
refused in_v declare parameter component=nope name=x value=1
echo "ok policies, operator policies, parameters"

in_v publish exchange=x routing_key=a.b payload=hello 'properties={"delivery_mode":2,"headers":{"x":1}}' >/dev/null
printf 'from standard input' | in_v publish exchange=x routing_key=a.c >/dev/null
want "$(in_v publish exchange=x routing_key=nowhere payload=x)" "Message published but NOT routed" "an unroutable message"
want "$(in_v -f tsv get queue=q/1 count=2 ackmode=ack_requeue_true | tail -n +2 | cut -f4 | paste -sd' ')" \
  "hello from standard input" "messages"
in_v get queue=q/1 ackmode=ack_requeue_false payload_file="$scratch/payload" >/dev/null
want "$(cat "$scratch/payload")" hello "the payload in a file"
in_v purge queue name=q/1
echo "ok publish, get, purge"

admin export "$scratch/all.json" >/dev/null
in_v export "$scratch/vhost.json" >/dev/null
in_v delete queue name=qq
in_v import "$scratch/vhost.json" >/dev/null
want "$(in_v -f tsv list queues name | grep -c qq)" 1 "the queue from the definitions of the virtual host"
in_v delete queue name=qq
admin import "$scratch/all.json" >/dev/null
want "$(in_v -f tsv list queues name | grep -c qq)" 1 "the queue from all definitions"
echo "ok export, import"

for list in connections channels consumers exchanges queues bindings users vhosts permissions nodes parameters policies \
  operator_policies vhost_limits; do
  for format in table tsv long kvp raw_json pretty_json; do admin -f $format list $list >/dev/null; done
done
admin -S name -R -f bash list exchanges >/dev/null
echo "ok every list in every format"

in_v delete binding source=x destination_type=queue destination=q/1 properties_key='a.%23'
in_v delete policy name=p
in_v delete operator_policy name=o
in_v delete queue name=q/1
in_v delete exchange name=x
refused in_v delete queue name=q/1
refused admin close connection name=nope
refused admin -p wrong list queues
admin delete permission vhost=admin/v user=admin.u
admin delete user name=admin.u
admin delete user name=admin.h
admin delete vhost name=admin/v
echo "ok deletions, refusals"
