/// How many turns without a packet a worker takes before it sleeps.
///
/// To be woken costs a packet 15 to 30 µs, and where the CPU is a virtual one sometimes milliseconds, in which others are
/// lost; to look costs the CPU's time. So it is as with KVM, which polls before it halts a guest
/// (Documentation/virt/kvm/halt-polling.rst): after a sleep so short that longer looking had spared it, the worker looks
/// twice as long the next time; after a longer one as long as at the beginning. Without packets it costs nothing.
package struct Patience {
  /// About 20 µs.
  package static let shortest = 128
  /// About 0.3 ms.
  package static let longest = 2048
  /// Nanoseconds between two packets for which it is worth to stay awake.
  package static let shortSleep: UInt64 = 300_000

  package private(set) var turns = shortest
  /// When the worker fell asleep after the last packet, in nanoseconds; nil since it came.
  private var asleepSince: UInt64?
  private let mayGrow: Bool

  /// - Parameter mayGrow: false where other threads need the worker's CPU.
  package init(mayGrow: Bool) { self.mayGrow = mayGrow }

  /// The worker is about to sleep, for the first time since the last packet or once more.
  package mutating func sleeps(_ now: UInt64) {
    if asleepSince == nil { asleepSince = now }
  }

  /// Since the last packet.
  package var hasSlept: Bool { asleepSince != nil }

  /// There are packets again.
  package mutating func received(_ now: UInt64) {
    guard let since = asleepSince.take(), mayGrow else { return }
    turns = now &- since < Self.shortSleep ? min(turns * 2, Self.longest) : Self.shortest
  }
}
