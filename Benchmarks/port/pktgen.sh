#!/bin/sh
# Offers the downlink frames of the suite `port` with the kernel's own generator, where the kernel has it (CONFIG_NET_PKTGEN).
#
# Usage: Benchmarks/port/pktgen.sh NETNS IFACE DESTINATION_MAC [SECONDS] [SIZE] [RATE] [CPU]
#   NETNS   the namespace of IFACE, "-" for the one of the caller
#   SECONDS 10, SIZE 78 octets of the Ethernet frame, RATE 0: as fast as it goes, CPU 0 (its thread kpktgend_0)
#
# Destinations are random addresses below 2001:db8:100::/40 rather than the suite's bindings: pktgen draws from a range, so
# that the tables must cover it (one binding of a /40, or `unbound` traffic is measured). Prints pktgen's result; what a
# device forwarded is to be counted behind it (Benchmarks/port/count.c, or `ip -s link`).
set -eu

fail() {
  echo "pktgen: $1" >&2
  exit 1
}

[ $# -ge 3 ] || fail "usage: pktgen.sh NETNS IFACE DESTINATION_MAC [SECONDS] [SIZE] [RATE] [CPU]"
namespace=$1 interface=$2 mac=$3 seconds=${4:-10} size=${5:-78} rate=${6:-0} cpu=${7:-0}
case "$namespace" in
-) ;;
*) exec ip netns exec "$namespace" "$0" - "$interface" "$mac" "$seconds" "$size" "$rate" "$cpu" ;;
esac

[ "$(id -u)" = 0 ] || fail "needs root"
[ -d "/sys/class/net/$interface" ] || fail "no interface $interface in this namespace"
[ -d /proc/net/pktgen ] || modprobe pktgen 2>/dev/null || true
[ -d /proc/net/pktgen ] || fail "this kernel has no pktgen; Benchmarks/port/generate.c needs none"
thread=/proc/net/pktgen/kpktgend_$cpu
[ -e "$thread" ] || fail "no thread for CPU $cpu"

put() { echo "$2" > "$1" || fail "$1 refused: $2"; }

trap 'echo stop > /proc/net/pktgen/pgctrl; echo rem_device_all > "$thread"' EXIT INT TERM
put "$thread" rem_device_all
put "$thread" "add_device $interface"
device=/proc/net/pktgen/$interface
# Without the frame's checksum, which pktgen does not count.
put "$device" "pkt_size $((size))"
put "$device" "count 0"
put "$device" "clone_skb 0"
# Not the same packet several times, which a veth could not take either.
put "$device" "burst 1"
put "$device" "delay 0"
[ "$rate" = 0 ] || put "$device" "ratep $rate"
put "$device" "dst_mac $mac"
put "$device" "src6 2001:db8:c::1"
put "$device" "dst6_min 2001:db8:100::10"
put "$device" "dst6_max 2001:db8:1ff:ffff::10"
put "$device" "flag IPDST_RND"
put "$device" "udp_dst_min 9"
put "$device" "udp_dst_max 9"
put "$device" "flag UDPSRC_RND"
put "$device" "udp_src_min 32768"
put "$device" "udp_src_max 65535"

(sleep "$seconds" && echo stop > /proc/net/pktgen/pgctrl) &
put /proc/net/pktgen/pgctrl start
wait
cat "$device"
