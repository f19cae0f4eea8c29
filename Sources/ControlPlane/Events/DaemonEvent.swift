import ControlProtocol
import FlowTable

/// Something that happened, as SUBSCRIBE's clients hear of it: the kind, and fields that begin with the event's name.
struct DaemonEvent {
  let kind: EventKind
  let items: [StatusItem]

  init(_ kind: EventKind, _ name: String, _ fields: [(String, String?)]) {
    self.kind = kind
    items =
      [StatusItem(key: "event", value: name)]
      + fields.compactMap { key, value in value.map { StatusItem(key: key, value: $0) } }
  }

  static func expired(_ binding: ExpiredBinding) -> DaemonEvent {
    DaemonEvent(
      .expired, "expired",
      [
        ("table", binding.key.table.text), ("prefix", "\(binding.key.prefix)"), ("mn", binding.mobileNode),
        ("reason", binding.cause == .lifetime ? "lifetime" : "deregistered"),
      ])
  }

  static func registry(_ event: RegistryEvent) -> DaemonEvent {
    switch event {
    case .routeExpired(let from, let to):
      DaemonEvent(.expired, "route-expired", [("from", "\(from)"), ("to", "\(to)")])
    case .flushed(let key, let mobileNode):
      DaemonEvent(
        .flushed, "flushed", [("table", key.table.text), ("prefix", "\(key.prefix)"), ("mn", mobileNode)])
    case .peer(let address, let isFailed):
      DaemonEvent(.peer, "peer", [("remote", "\(address)"), ("state", isFailed ? "failed" : "alive")])
    case .pathMTU(let tunnel, let octets):
      DaemonEvent(
        .pathMTU, "path-mtu", [("local", "\(tunnel.local)"), ("remote", "\(tunnel.remote)"), ("mtu", "\(octets)")])
    }
  }

  static func neighborLost(_ address: IPAddress, port: String) -> DaemonEvent {
    DaemonEvent(.neighborLost, "neighbor-lost", [("address", "\(address)"), ("port", port)])
  }

  static func link(port: String, isUp: Bool) -> DaemonEvent {
    DaemonEvent(.port, "port", [("port", port), ("what", "link"), ("value", isUp ? "up" : "down")])
  }

  static func tableFill(_ size: TableSize, isNearlyFull: Bool) -> DaemonEvent {
    DaemonEvent(
      .tableNearlyFull, "table-nearly-full",
      [
        ("table", size.table.name), ("entries", "\(size.entries)"), ("capacity", "\(size.capacity)"),
        ("state", isNearlyFull ? "nearly-full" : "relieved"),
      ])
  }

  static func traffic(_ report: TrafficReport, port: String) -> DaemonEvent {
    let prefix = ("prefix", Optional("\(report.prefix)"))
    let address = ("address", Optional("\(report.address)"))
    let port = ("port", Optional(port))
    switch report.kind {
    case .unbound: return DaemonEvent(.unbound, "unbound", [prefix, address, port])
    case .bufferOverflow: return DaemonEvent(.bufferOverflow, "buffer-overflow", [prefix, address, port])
    case .unknownSource(let mac):
      return DaemonEvent(.unknownSource, "unknown-source", [prefix, address, ("mac", "\(mac)"), port])
    }
  }

  /// Many entries at once.
  static func bulk(_ operation: BulkOperation, owner: UInt32, count: Int) -> DaemonEvent {
    DaemonEvent(
      .bulk, "bulk", [("operation", operation.rawValue), ("owner", "\(owner)"), ("count", "\(count)")])
  }
}

/// What changes more entries than can be told one by one.
enum BulkOperation: String {
  /// By SYNC_END: what its owner did not say again.
  case swept
  /// By TXN_COMMIT.
  case replaced
  /// One step with more than 1024 changes.
  case changed
  /// All bindings to one remote.
  case revoked
}

/// Traffic that a control daemon may want to act on.
public struct TrafficReport: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// An anchored address without a binding was sent to.
    case unbound
    /// Somebody on an access link sends from an address that has no binding.
    case unknownSource(MACAddress)
    /// A packet for a mobile node in handover found the buffers full.
    case bufferOverflow
  }

  public var kind: Kind
  /// What stands for the address: a mobile node's, /64 or /32.
  public var prefix: Prefix
  public var address: IPAddress
  /// Index of the configured port that the packet came by.
  public var port: UInt8

  public init(kind: Kind, prefix: Prefix, address: IPAddress, port: UInt8) {
    self.kind = kind
    self.prefix = prefix
    self.address = address
    self.port = port
  }
}

extension BindingTable {
  /// As in JSON records.
  public var text: String { self == .proxy ? "pmip" : "mip" }
}
