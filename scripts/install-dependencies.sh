#!/bin/sh
# Installs the Debian packages that building, testing and benchmarking need, and only those that are missing.
# Silent when nothing is missing. Usage: scripts/install-dependencies.sh [bench]
set -eu

# Headers and libraries of the product, then what the test bed runs. `/usr/bin/python3` is Debian's: its Scapy belongs to it.
packages="libxdp-dev libbpf-dev libelf-dev zlib1g-dev linux-libc-dev gcc g++ libc6-dev binutils make python3 python3-scapy
  iproute2 iputils-ping ethtool iperf3 tcpdump util-linux clang-format valgrind qemu-user"
case "${1:-}" in
"") ;;
# In-process peers of the suite `table` (DPDK's longest match and hash), and what says where the engine's cycles go.
bench) packages="$packages dpdk-dev libdpdk-dev pkg-config linux-perf llvm" ;;
*)
  echo "usage: scripts/install-dependencies.sh [bench]" >&2
  exit 2
  ;;
esac

missing=""
for package in $packages; do
  # Absent from every dpkg record counts as missing; ping, make and the like may come from another package of the image.
  if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$'; then
    missing="$missing $package"
  fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "missing packages:$missing; install them with: apt-get install$missing" >&2
  exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  # shellcheck disable=SC2086  # a list of package names
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1 </dev/null
}
# The package lists may be older than the packages: one update, then once more.
if ! install; then
  apt-get update -q >>"$log" 2>&1 </dev/null || true
  if ! install; then
    tail -n 20 "$log" >&2
    echo "could not install:$missing; see above, then run: apt-get install$missing" >&2
    exit 1
  fi
fi
