#!/usr/bin/env bash
# Installs the third-party clients that the interoperability tests drive, below var/interop:
# a Python environment, Java's client with its dependencies, rabbitmq-c's command-line tools, mosquitto's, OpenLDAP's
# server, a browser, both generations of rabbitmqadmin, and a Go program on rabbit-hole.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$PWD/var/interop
mkdir -p "$dir"

missing=()
command -v amqp-publish >/dev/null || missing+=(amqp-tools)
command -v mosquitto_sub >/dev/null || missing+=(mosquitto mosquitto-clients)
[ -x /usr/sbin/slapd ] || missing+=(slapd)
if [ ${#missing[@]} -gt 0 ]; then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

# promtool alone: the package as a whole would run a server.
if ! command -v promtool >/dev/null && [ ! -x "$dir/prometheus/usr/bin/promtool" ]; then
  mkdir -p "$dir/prometheus"
  (cd "$dir/prometheus" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb)
fi

bash test/ui/setup.sh

if [ ! -x "$dir/venv/bin/celery" ] || ! "$dir/venv/bin/python" -c 'import paho.mqtt, stomp, flower' 2>/dev/null; then
  python3 -m venv "$dir/venv"
  "$dir/venv/bin/pip" install -q --disable-pip-version-check -r test/interop/clients/python/requirements.txt
fi

if [ ! -d "$dir/java/lib" ] || [ -z "$(ls "$dir/java/lib" 2>/dev/null)" ]; then
  mvn -q -B -f test/interop/clients/java/pom.xml dependency:copy-dependencies -DoutputDirectory="$dir/java/lib"
fi
mkdir -p "$dir/java/classes"
javac -cp "$dir/java/lib/*" -d "$dir/java/classes" test/interop/clients/java/*.java

# The script of RabbitMQ 3.x comes in Debian's package of the server, which is unpacked and not installed.
if [ ! -f "$dir/rabbitmqadmin/usr/bin/rabbitmqadmin" ]; then
  unpacked=$(mktemp -d)
  (cd "$unpacked" && { apt-get download -qq rabbitmq-server || { ${sudo-} apt-get update -qq && apt-get download -qq rabbitmq-server; }; })
  dpkg -x "$unpacked"/rabbitmq-server_*.deb "$unpacked/files"
  mkdir -p "$dir/rabbitmqadmin/usr/bin"
  cp "$unpacked/files/usr/bin/rabbitmqadmin" "$dir/rabbitmqadmin/usr/bin/"
  rm -rf "$unpacked"
fi

if [ ! -x "$dir/cargo/bin/rabbitmqadmin" ]; then
  cargo install -q --debug --locked --root "$dir/cargo" rabbitmqadmin@2.35.0
fi

(cd test/interop/clients/go && go build -o "$dir/go/rabbit-hole" .)
