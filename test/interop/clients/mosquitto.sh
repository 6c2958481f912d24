#!/usr/bin/env bash
# mosquitto_pub and mosquitto_sub: every version and QoS, retained messages, a session, and properties of MQTT 5.0.
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

session=(-V mqttv5 -i mosquitto-lasting -c -x 60 -t 'mosquitto/lasting/#' -q 2)
mosquitto_sub "${at[@]}" "${session[@]}" -E
mosquitto_pub "${at[@]}" -V mqttv5 -t mosquitto/lasting/1 -m later -q 2 -D publish user-property a b \
  -D publish content-type text/plain -D publish message-expiry-interval 100
got=$(mosquitto_sub "${at[@]}" "${session[@]}" -C 1 -W 10 -F '%t %p %q %P %C')
[ "$got" = "mosquitto/lasting/1 later 2 a:b text/plain" ] || { echo "got '$got'"; exit 1; }
echo "ok mosquitto: a session that lasts, properties"

mosquitto_sub "${at[@]}" -V mqttv5 -t '$share/mosquitto/shared' -q 1 -C 1 -W 20 > "${TMPDIR:-/tmp}/mosquitto-shared.$$" &
for _ in $(seq 100); do
  if [ -s "${TMPDIR:-/tmp}/mosquitto-shared.$$" ]; then break; fi
  mosquitto_pub "${at[@]}" -V mqttv5 -t shared -m together -q 1
done
wait $!
got=$(cat "${TMPDIR:-/tmp}/mosquitto-shared.$$")
rm -f "${TMPDIR:-/tmp}/mosquitto-shared.$$"
[ "$got" = together ] || { echo "got '$got'"; exit 1; }
echo "ok mosquitto: a shared subscription"
