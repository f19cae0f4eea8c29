/// A prefix of ordinary hosts on an access port of a MAG, routed natively (table 4).
public struct VisitorRecord: Hashable, Sendable {
  public var prefix: WirePrefix
  /// The configuration's name of the port, 1…15 octets.
  public var port: String

  public init(prefix: WirePrefix, port: String) {
    self.prefix = prefix
    self.port = port
  }

  public var key: TableKey { .visitor(prefix) }
}
