/// What a frame asks for or answers. The numbers are stable; a type this version does not serve gets `unsupported`.
public enum MessageType: UInt16, Sendable, CaseIterable {
  case hello = 1
  case upsert = 2
  case delete = 3
  case lookup = 4
  case dump = 5
  case status = 6
  case counters = 7
  /// From here on minor version 1.
  case barrier = 8
  case ping = 9
  case transactionBegin = 10
  case transactionCommit = 11
  case transactionAbort = 12
  case syncBegin = 13
  case syncEnd = 14
  case subscribe = 15
  /// From the daemon only.
  case event = 16
  case statistics = 17

  /// As the specification writes it.
  public var name: String {
    switch self {
    case .hello: "HELLO"
    case .upsert: "UPSERT"
    case .delete: "DELETE"
    case .lookup: "LOOKUP"
    case .dump: "DUMP"
    case .status: "STATUS"
    case .counters: "COUNTERS"
    case .barrier: "BARRIER"
    case .ping: "PING"
    case .transactionBegin: "TXN_BEGIN"
    case .transactionCommit: "TXN_COMMIT"
    case .transactionAbort: "TXN_ABORT"
    case .syncBegin: "SYNC_BEGIN"
    case .syncEnd: "SYNC_END"
    case .subscribe: "SUBSCRIBE"
    case .event: "EVENT"
    case .statistics: "STATS"
    }
  }

  /// Whether a client that may only read is refused.
  public var needsWriteAccess: Bool {
    switch self {
    case .upsert, .delete, .transactionBegin, .transactionCommit, .transactionAbort, .syncBegin, .syncEnd: true
    case .hello, .lookup, .dump, .status, .counters, .barrier, .ping, .subscribe, .event, .statistics: false
    }
  }
}

/// The header's flag word. Unknown bits in a request are refused as `unsupported`, never ignored.
public struct FrameFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// UPSERT, DELETE: all records of the frame or none, and packets see all of them or none.
  public static let atomic = FrameFlags(rawValue: 1 << 0)
  /// UPSERT, DELETE: acknowledge only when no packet anywhere still uses what was replaced.
  public static let quiesced = FrameFlags(rawValue: 1 << 1)
  /// STATUS, COUNTERS replies: another frame with the same request id follows.
  public static let more = FrameFlags(rawValue: 1 << 2)
  /// TXN_BEGIN: the transaction becomes the whole content of its tables.
  public static let replace = FrameFlags(rawValue: 1 << 3)
  /// Set in every reply, clear in every request.
  public static let reply = FrameFlags(rawValue: 1 << 15)
  /// All of this version: one that is here but does not belong to its frame is malformed, any other unsupported.
  static let known: FrameFlags = [.atomic, .quiesced, .more, .replace, .reply]
}

/// Which table a record belongs to. 0 in a frame means "each record says" (UPSERT, DELETE) or "all" (DUMP, LOOKUP).
public enum TableNumber: UInt16, Sendable, BitwiseCopyable, CaseIterable {
  case bindings = 1
  case tunnels = 2
  case routes = 3
  case visitors = 4
  case peers = 5

  /// Octets of one full record of this table in this version.
  public var recordSize: Int {
    switch self {
    case .bindings: BindingRecord.wireSize
    case .tunnels: TunnelRecord.wireSize
    case .routes: LocalizedRouteRecord.wireSize
    case .visitors: VisitorRecord.wireSize
    case .peers: PeerRecord.wireSize
    }
  }

  public var name: String {
    switch self {
    case .bindings: "bindings"
    case .tunnels: "tunnels"
    case .routes: "routes"
    case .visitors: "visitors"
    case .peers: "peers"
    }
  }
}
