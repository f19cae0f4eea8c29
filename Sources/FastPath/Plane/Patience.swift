/// How many turns without a packet a worker takes before it sleeps.
///
/// To be woken costs a packet some 20 µs, and where the CPU is a virtual one sometimes a millisecond or two; to look costs
/// the CPU's time. So it is as with KVM, which polls before it halts a guest
/// (Documentation/virt/kvm/halt-polling.rst): after a gap between packets that longer looking had bridged, the worker looks
/// twice as long the next time; in a longer one it looks as long as at the beginning.
package struct Patience {
  /// About 20 µs. Not before then is there a gap, and a look at the clock.
  package static let shortest = 128
  /// About 0.3 ms.
  package static let longest = 2048
  /// Nanoseconds of the longest gap that is worth it.
  package static let bridged: UInt64 = 300_000

  package private(set) var turns = shortest
  /// When the gap began, in nanoseconds; nil while packets come.
  private var gapSince: UInt64?
  private let mayGrow: Bool

  /// It stays at `shortest` where other threads need the worker's CPU, and for a worker that polls busily: that one never
  /// sleeps, gives nothing away meanwhile, and looks for a driver to poll whenever it is through.
  package init(hasOwnCPU: Bool, pollsBusily: Bool) { mayGrow = hasOwnCPU && !pollsBusily }

  package var isInGap: Bool { gapSince != nil }

  /// There was no packet in `shortest` turns, after the last one or after a sleep.
  package mutating func lacksPackets(_ now: UInt64) {
    guard let since = gapSince else { return gapSince = now }
    if now &- since >= Self.bridged { turns = Self.shortest }
  }

  /// There are packets again.
  package mutating func received(_ now: UInt64) {
    guard let since = gapSince.take(), mayGrow else { return }
    turns = now &- since < Self.bridged ? min(turns * 2, Self.longest) : Self.shortest
  }
}
