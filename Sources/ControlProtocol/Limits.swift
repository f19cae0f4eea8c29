/// Bounds that both ends keep. The HELLO reply carries the ones a client must know.
public struct Limits: Hashable, Sendable {
  /// Protocol version spoken here: the major number must match, the minor one only adds.
  public static let majorVersion: UInt16 = 1
  public static let minorVersion: UInt16 = 1
  /// Octets of a client name in HELLO, and of the software version in its reply.
  public static let nameOctets = 255
  /// Octets of a port name: what fits an interface name (IFNAMSIZ less its terminator).
  public static let portNameOctets = 15
  /// Octets of a mobile node identifier.
  public static let mobileNodeOctets = 64
  /// Largest record a frame may declare; leaves room for later versions to append fields.
  public static let recordOctets = 1024
  /// Octets of a field name, and of a rule, in an outcome.
  public static let textOctets = 1024

  /// Largest payload, in octets (the header's 24 do not count).
  public var payloadOctets: Int
  /// Most records in one frame.
  public var recordsPerFrame: Int

  /// Memory that the records of all open transactions take together; not in the HELLO reply.
  public var octetsAside: Int

  public init(payloadOctets: Int, recordsPerFrame: Int, octetsAside: Int = 1 << 30) {
    self.payloadOctets = payloadOctets
    self.recordsPerFrame = recordsPerFrame
    self.octetsAside = octetsAside
  }

  /// 4 MiB and 65536 records: 65 535 LMA bindings of 64 octets fit one frame, and a connection never needs more than one
  /// such payload in memory.
  public static let standard = Limits(payloadOctets: 4 << 20, recordsPerFrame: 1 << 16)
}
