import FlowTable
import Foundation

/// What `ip -j` says is in a namespace: the independent statement that the mirror is compared with.
struct KernelOracle: Equatable {
  var routes: Set<KernelRoute> = []
  var neighbors: [String: KernelNeighbor] = [:]

  private struct Route: Decodable {
    struct Hop: Decodable {
      let gateway: String?
      let via: Via?
      let dev: String?
      let flags: [String]?
    }
    struct Via: Decodable { let host: String }
    let type: String?
    let dst: String
    let gateway: String?
    let via: Via?
    let dev: String?
    let metric: UInt32?
    let nexthops: [Hop]?
    let flags: [String]?
    let encap: String?
  }

  private struct Neighbor: Decodable {
    let dst: String
    let dev: String
    let lladdr: String?
    let state: [String]
  }

  private struct Link: Decodable {
    let ifindex: UInt32
    let ifname: String
  }

  init(_ namespace: borrowing Namespace) throws {
    let links = try JSONDecoder().decode([Link].self, from: Data(try namespace.ip("-j link show").utf8))
    let indices = Dictionary(uniqueKeysWithValues: links.map { ($0.ifname, $0.ifindex) })
    for family in ["-4", "-6"] {
      for table in ["main", "local"] {
        let text = try namespace.ip("-j -d \(family) route show table \(table) 2>/dev/null || true")
        try load(routes: text, family, isLocal: table == "local", indices)
      }
      let text = try namespace.ip("-j \(family) neigh show nud all")
      for entry in try Self.decode([Neighbor].self, text) ?? [] {
        let usable = Set(entry.state).isDisjoint(with: ["INCOMPLETE", "FAILED", "NONE"])
        guard usable, let address = IPAddress(text: entry.dst), !address.isMulticast,
          let mac = entry.lladdr.flatMap(MACAddress.init(text:)), mac.value != 0
        else { continue }
        let index = indices[entry.dev] ?? 0
        neighbors["\(index) \(address)"] = KernelNeighbor(interface: index, address: address, mac: mac)
      }
    }
  }

  private mutating func load(routes text: String, _ family: String, isLocal: Bool, _ indices: [String: UInt32]) throws {
    var seen: Set<String> = []
    for entry in try Self.decode([Route].self, text) ?? [] {
      let type = entry.type ?? "unicast"
      let kind: KernelRoute.Kind
      switch type {
      case "unicast" where !isLocal: kind = .unicast
      case "local": kind = .local
      case "unreachable", "blackhole", "prohibit": kind = .unreachable
      default: continue
      }
      let hops = entry.nexthops ?? [.init(gateway: entry.gateway, via: entry.via, dev: entry.dev, flags: entry.flags)]
      guard let hop = hops.first(where: { !($0.flags ?? []).contains("dead") }) else { continue }
      let width = family == "-4" ? 32 : 128
      let anyAddress = family == "-4" ? "0.0.0.0/0" : "::/0"
      let destination =
        entry.dst == "default" ? anyAddress : entry.dst.contains("/") ? entry.dst : "\(entry.dst)/\(width)"
      guard let prefix = Prefix(text: destination) else { throw CommandFailure(description: "odd prefix \(entry.dst)") }
      // Of several routes with one prefix and metric the kernel uses the first.
      let slot = "\(prefix) \(entry.metric ?? 0) \(prefix.address.isLinkLocal ? hop.dev ?? "" : "")"
      guard seen.insert(slot).inserted else { continue }
      let gateway = hop.gateway ?? hop.via?.host
      let interface = entry.encap == nil ? indices[hop.dev ?? ""] ?? 0 : 0
      routes.insert(
        KernelRoute(
          prefix: prefix, gateway: kind == .unicast ? gateway.flatMap(IPAddress.init(text:)) : nil,
          interface: interface, metric: entry.metric ?? 0, kind: kind))
    }
  }

  /// `ip -j` prints nothing at all for an empty IPv6 table.
  private static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value? {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return trimmed.isEmpty ? nil : try JSONDecoder().decode(type, from: Data(trimmed.utf8))
  }
}
