/// What is known of a tunnel's far end (table 5; RFC 5847): a failed peer's tunnels carry nothing until it is alive again.
public struct PeerRecord: Hashable, Sendable {
  public enum State: UInt8, Sendable, CaseIterable {
    /// Its restart or silence was noticed: all tunnels to it drop, the present ones and those to come.
    case failed = 1
    /// Ends `failed`, and with it the record.
    case alive = 2

    /// The name in JSON records.
    public var name: String { self == .failed ? "failed" : "alive" }
  }

  /// The far end: a tunnel's remote.
  public var address: WireAddress
  public var state: State

  public init(address: WireAddress, state: State) {
    self.address = address
    self.state = state
  }

  public var key: TableKey { .peer(address) }
}
