#!/usr/bin/env bash
# mosquitto_pub and mosquitto_sub: every version and QoS, and a retained message.
set -euo pipefail
host=$(sed -E 's#mqtt://([^:]+):([0-9]+)#\1#' <<<"$MQTT_URL")
port=$(sed -E 's#mqtt://([^:]+):([0-9]+)#\2#' <<<"$MQTT_URL")
at=(-h "$host" -p "$port" -u guest -P guest)

for version in mqttv31 mqttv311 mqttv5; do
  for qos in 0 1 2; do
    topic="mosquitto/$version/$qos"
    mosquitto_pub "${at[@]}" -V $version -t "$topic" -m "kept $qos" -q $qos -r
    got=$(mosquitto_sub "${at[@]}" -V $version -t "$topic/#" -q $qos -C 1 -W 10)
    [ "$got" = "kept $qos" ] || { echo "got '$got'"; exit 1; }
    mosquitto_pub "${at[@]}" -V $version -t "$topic" -n -q $qos -r
  done
  echo "ok mosquitto $version"
done
