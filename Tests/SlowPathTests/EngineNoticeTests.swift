import FastPath
import FlowTable
import SlowPath
import Testing

/// Notices of dropped traffic (REQUIREMENTS S-26, R5568-3) beside somebody who causes as many as possible.
@Suite struct EngineNoticeTests {
  private static let mac: [UInt8] = [2, 0, 0, 0, 1, 0x10]

  private static func engine() -> SlowPathEngine {
    SlowPathEngine(settings: SlowPathSettings(routerAddresses: [], localAddresses: [], rate: 10, burst: 10))
  }

  /// One exception of each kind; the number makes another /64 of the address that is told.
  private static func exception(_ kind: ExceptionKind, _ number: Int, mac: [UInt8] = mac) -> ExceptionPacket {
    let address = "2001:db8:77:\(String(number, radix: 16))::1"
    let isSource = kind == .unknownSource
    let packet = EnginePackets.ipv6(
      isSource ? address : EnginePackets.correspondent, isSource ? EnginePackets.correspondent : address, next: 17,
      [1, 2])
    let octets = isSource ? mac + [0x86, 0xdd] + packet : packet
    return ExceptionPacket(kind: kind, port: 1, tunnel: TunnelID(0), detail: isSource ? 8 : 0, octets: octets)
  }

  private static func told(_ engine: inout SlowPathEngine, _ exceptions: [ExceptionPacket], now: UInt64) -> [String] {
    var out: [OriginatedPacket] = []
    for exception in exceptions { engine.handle(exception, now: now, into: &out) }
    return engine.takeNotices().map(\.name)
  }

  /// A known station takes a source of another /64 for every packet: it is told of once a second, and others' overflows
  /// and unbound traffic are told of as ever.
  @Test func spoofingStationSilencesNobody() {
    var engine = Self.engine()
    let flood = (0..<500).map { Self.exception(.unknownSource, $0) }
    #expect(Self.told(&engine, flood, now: 1) == ["unknown-source"])
    let others: [ExceptionPacket] = [
      Self.exception(.bufferOverflow, 1), Self.exception(.unboundNotice, 2),
      Self.exception(.unknownSource, 3, mac: [2, 0, 0, 0, 2, 0x20]),
    ]
    #expect(Self.told(&engine, others, now: 2) == ["buffer-overflow", "unbound", "unknown-source"])
    #expect(Self.told(&engine, flood, now: 1_000_000_001) == ["unknown-source"])
  }

  /// A sweep of the pool uses its own hundred a second up and nobody else's.
  @Test func sweepOfThePoolSilencesNobody() {
    var engine = Self.engine()
    let sweep = (0..<500).map { Self.exception(.unboundNotice, $0) }
    #expect(Self.told(&engine, sweep, now: 1) == [String](repeating: "unbound", count: 100))
    #expect(
      Self.told(&engine, [Self.exception(.bufferOverflow, 1), Self.exception(.unknownSource, 1)], now: 1)
        == ["buffer-overflow", "unknown-source"])
  }
}
