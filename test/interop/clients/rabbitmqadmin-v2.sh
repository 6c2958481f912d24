#!/usr/bin/env bash
# rabbitmqadmin v2 (the Rust program): RABBITMQADMIN is the program, MANAGEMENT_PORT the port.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
admin() { "$RABBITMQADMIN" --non-interactive -H 127.0.0.1 -P "$MANAGEMENT_PORT" "$@"; }
in_v() { admin -V 'v2 é/1' "$@"; }
quietly() { admin "$@" >"$scratch/out"; }
# Reads to the end: the program gives up when its output is closed.
want() { grep -E "$1" >/dev/null || { echo "$2: no $1" >&2; exit 1; }; }
refused() { if "$@" >"$scratch/refused" 2>&1; then echo "accepted: $*" >&2; exit 1; fi; }
node=$(admin nodes list | awk '{print $1; exit}')

for show in overview churn; do quietly show $show; done
for unit in bytes percent; do quietly show memory_breakdown_in_$unit --node "$node"; done
quietly plugins list_all
quietly auth_attempts stats --node "$node"
quietly rebalance queues
echo "ok node, memory, logins"

admin vhosts declare --name 'v2 é/1' --description 'of Rust'
admin users declare --name v2.u --password secret --tags monitoring
admin users declare --name v2.h --password-hash kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR --tags ''
for user in guest v2.u; do in_v permissions declare --user $user --configure '.*' --read '.*' --write '.*'; done
admin permissions list | want 'v2\.u +v2 é/1' permissions
in_v vhost_limits declare --name max-queues --value 50
in_v vhost_limits list | want 'max-queues: 50' 'limits of the vhost'
admin user_limits declare --user v2.u --name max-connections --value 5
admin user_limits list | want 'max-connections: 5' 'limits of the user'
in_v vhosts enable_deletion_protection --name 'v2 é/1'
refused admin vhosts delete --name 'v2 é/1'
in_v vhosts disable_deletion_protection --name 'v2 é/1'
echo "ok vhosts, users, permissions, limits"

in_v exchanges declare --name 'x%.é' --type topic
in_v queues declare --name 'q/1' --type classic --durable true
in_v queues declare --name q2 --type quorum
in_v bindings declare --source 'x%.é' --destination-type queue --destination 'q/1' --routing-key 'a.*'
in_v bindings list | want 'x%\.é +q/1' bindings
in_v queues show --name q2 | want quorum 'one queue'
in_v publish message --exchange 'x%.é' --routing-key a.b --payload hello --properties '{"delivery_mode":2}' | want routed publish
in_v get messages --queue 'q/1' | want hello get
in_v queues purge --name 'q/1'
echo "ok exchanges, queues, bindings, messages"

in_v policies declare --name p --pattern '.*' --apply-to queues --priority 3 --definition '{"max-length": 10}'
in_v policies patch --name p --definition '{"max-length-bytes": 100000}'
in_v policies update_definition --name p --definition-key max-length --new-value 77
in_v policies list_matching_object --name q2 --type queues | want 'max-length: 77' 'a policy that was changed'
in_v operator_policies declare --name o --pattern '.*' --apply-to queues --priority 3 --definition '{"max-length": 1000}'
in_v operator_policies list | want 'max-length: 1000' 'operator policies'
admin global_parameters declare --name v2 --value '{"a":1}'
admin global_parameters list | want '"a":1' 'global parameters'
admin global_parameters delete --name v2
echo "ok policies, parameters"

admin feature_flags list | want rabbitmq_4 'feature flags'
admin feature_flags enable_all
admin deprecated_features list | want global_qos 'deprecated features'
quietly deprecated_features list_used
for check in local_alarms cluster_wide_alarms node_is_quorum_critical; do admin health_check $check | want passed $check; done
admin health_check port_listener --port "$MANAGEMENT_PORT" | want passed port_listener
refused admin health_check port_listener --port 1
admin health_check protocol_listener --protocol amqp | want passed protocol_listener
for list in connections channels users vhosts nodes queues exchanges bindings consumers policies parameters; do quietly list $list; done
echo "ok feature flags, health checks, lists"

admin definitions export --file "$scratch/all.json"
in_v definitions export_from_vhost --file "$scratch/vhost.json"
in_v queues delete --name q2
in_v definitions import_into_vhost --file "$scratch/vhost.json"
in_v queues show --name q2 | want quorum 'a queue from the definitions of the vhost'
in_v queues delete --name q2
admin definitions import --file "$scratch/all.json"
in_v queues show --name q2 | want quorum 'a queue from all definitions'
admin definitions export --stdout --transformations strip_cmq_keys_from_policies,drop_empty_policies,obfuscate_usernames |
  want obfuscated-user 'a transformed export'
echo "ok export, import"

in_v bindings delete --source 'x%.é' --destination-type queue --destination 'q/1' --routing-key 'a.*'
in_v policies delete --name p
in_v operator_policies delete --name o
in_v queues delete --name q2
refused in_v queues delete --name q2
in_v exchanges delete --name 'x%.é'
refused admin -p wrong list queues
admin vhosts delete --name 'v2 é/1'
admin users delete --name v2.u
admin users delete --name v2.h
echo "ok deletions, refusals"
