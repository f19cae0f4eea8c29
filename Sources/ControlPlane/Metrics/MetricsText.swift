import ControlProtocol

/// The counters in Prometheus' text exposition format, version 0.0.4.
///
/// A flat counter name becomes a metric with labels: `drop.no-binding` is `fastpath_drop_packets_total{reason="no-binding"}`.
enum MetricsText {
  private struct Family {
    let name: String
    let help: String
    let isGauge: Bool
  }

  private static let families: [(prefix: String, family: Family, label: String)] = [
    ("rx", Family(name: "fastpath_rx_packets_total", help: "Packets received.", isGauge: false), "port"),
    ("tx", Family(name: "fastpath_tx_packets_total", help: "Packets transmitted.", isGauge: false), "port"),
    (
      "kernel", Family(name: "fastpath_kernel_packets_total", help: "Packets given to the kernel.", isGauge: false),
      "reason"
    ),
    ("drop", Family(name: "fastpath_drop_packets_total", help: "Packets dropped.", isGauge: false), "reason"),
    (
      "originated", Family(name: "fastpath_originated_packets_total", help: "Packets made here.", isGauge: false),
      "kind"
    ),
  ]

  /// A value of its own, not a counter.
  struct Gauge: Sendable {
    let name: String
    let help: String
    let value: Int
  }

  static func text(_ items: [CounterItem], _ gauges: [Gauge]) -> String {
    var text = ""
    for (prefix, family, label) in families {
      let members = items.filter { $0.name.hasPrefix(prefix + ".") }
      append(
        family, members.map { (labels: "{\(label)=\"\($0.name.dropFirst(prefix.count + 1))\"}", $0.value) }, to: &text)
    }
    let held = Family(name: "fastpath_held_packets", help: "Packets held for later.", isGauge: true)
    append(held, items.filter { $0.name == "held" }.map { (labels: "", $0.value) }, to: &text)
    for unit in ["packets", "bytes"] {
      let family = Family(
        name: "fastpath_tunnel_\(unit)_total", help: "Inner \(unit) through a tunnel; up is from the mobile node.",
        isGauge: false)
      append(family, items.compactMap { tunnel($0, unit: unit) }, to: &text)
    }
    for gauge in gauges {
      append(
        Family(name: "fastpath_\(gauge.name)", help: gauge.help, isGauge: true),
        [(labels: "", value: UInt64(max(0, gauge.value)))], to: &text)
    }
    return text
  }

  /// `tunnel.LOCAL.REMOTE.up|down.packets|bytes`; the addresses are IPv6 and have no dots.
  private static func tunnel(_ item: CounterItem, unit: String) -> (labels: String, value: UInt64)? {
    let parts = item.name.split(separator: ".")
    guard parts.count == 5, parts[0] == "tunnel", parts[4] == unit else { return nil }
    return ("{local=\"\(parts[1])\",remote=\"\(parts[2])\",direction=\"\(parts[3])\"}", item.value)
  }

  private static func append(_ family: Family, _ values: [(labels: String, value: UInt64)], to text: inout String) {
    guard !values.isEmpty else { return }
    text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.isGauge ? "gauge" : "counter")\n"
    for value in values { text += "\(family.name)\(value.labels) \(value.value)\n" }
  }
}
