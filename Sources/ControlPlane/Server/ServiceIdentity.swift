/// Who this process is to its clients: the same until it ends.
public struct ServiceIdentity: Sendable {
  /// Random for each start, so that a client notices a restart.
  public let bootID: (high: UInt64, low: UInt64)
  /// Name and version, at most 255 octets.
  public let software: String
  /// Nanoseconds of the service's clock.
  public let startedAt: UInt64

  public init(
    software: String, startedAt: UInt64, randomness: inout some RandomNumberGenerator
  ) {
    bootID = (randomness.next(), randomness.next())
    self.software = software
    self.startedAt = startedAt
  }

  /// 32 hexadecimal digits.
  var bootText: String {
    [bootID.high, bootID.low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
