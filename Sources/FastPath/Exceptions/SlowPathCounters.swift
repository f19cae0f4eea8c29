/// What the slow path has counted, for `CounterReport`.
///
/// Every packet that a worker handed over ends here as *settled*: dropped, consumed by a reassembly, or sent on. What is
/// *emitted* goes through worker 0. Together with the workers' counts that gives the packets held at the moment.
public struct SlowPathCounters: Sendable, Hashable {
  private var dropped = [UInt64](repeating: 0, count: DropReason.allCases.count)
  private var sent = [UInt64](repeating: 0, count: OriginatedKind.allCases.count)
  public private(set) var settled: UInt64 = 0
  public private(set) var emitted: UInt64 = 0
  /// Fragments that a reassembly took in, beside the one that goes on as the whole packet.
  public private(set) var consumed: UInt64 = 0
  /// Answers that the rate limit forbade (RFC 4443 section 2.4 (f)).
  public var rateLimited: UInt64 = 0
  /// Answers that are never given (RFC 4443 section 2.4 (e), RFC 1812 section 4.3.2.7), or for want of a source address.
  public var unanswerable: UInt64 = 0
  /// Answers that the ring towards the worker had no room for.
  public private(set) var refused: UInt64 = 0

  public init() {}

  public func drops(_ reason: DropReason) -> UInt64 { dropped[Int(reason.rawValue)] }
  public func originated(_ kind: OriginatedKind) -> UInt64 { sent[Int(kind.rawValue)] }

  /// Packets that a worker handed over are dropped.
  public mutating func drop(_ reason: DropReason, packets: Int) {
    dropped[Int(reason.rawValue)] &+= UInt64(packets)
    settled &+= UInt64(packets)
  }

  /// Packets that a worker handed over go on as one.
  public mutating func merge(packets: Int) {
    settled &+= UInt64(packets)
    consumed &+= UInt64(packets - 1)
  }

  /// A packet goes to the worker.
  public mutating func emit(_ kind: OriginatedKind?) {
    emitted &+= 1
    if let kind { sent[Int(kind.rawValue)] &+= 1 }
  }

  /// It could not: what continues a received packet is a drop, anything else was never sent.
  public mutating func refuse(_ kind: OriginatedKind?) {
    emitted &-= 1
    if let kind {
      sent[Int(kind.rawValue)] &-= 1
      refused &+= 1
    } else {
      dropped[Int(DropReason.kernelFull.rawValue)] &+= 1
    }
  }
}
