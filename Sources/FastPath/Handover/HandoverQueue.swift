/// What becomes of the packets that are held for a binding.
package enum HandoverMode: UInt8, BitwiseCopyable {
  /// They wait (zero, as in unused memory).
  case waiting = 0
  /// They go out, paced; what arrives meanwhile joins the tail.
  case draining
  /// They are dropped.
  case cancelled
}

/// The packets held for one binding, first in, first out, and their rates.
struct HandoverQueue: BitwiseCopyable {
  var binding = HandoverKey()
  /// First and last slot, and how many.
  var head: UInt32 = 0
  var tail: UInt32 = 0
  var count: UInt32 = 0
  /// Place in the heap of next events; 0 is none.
  var place: UInt32 = 0
  /// When the queue has something to do next.
  var due: UInt64 = 0
  /// The generation for which `mode` was found out.
  var generation: UInt64 = 0
  var mode = HandoverMode.waiting
  /// Packets that may still leave back to back.
  var burst: UInt8 = 0
  var arrivals = ArrivalRate()
  /// The interval of before, where too few have arrived to tell.
  var intervalBefore: UInt64 = 0
  /// Those during the drain.
  var joined = ArrivalRate()
  /// The most nanoseconds between two packets of a drain.
  var longest = UInt64.max
  /// When the next packet may leave.
  var release: UInt64 = 0

  /// Packets that leave at once at the beginning of a drain (RFC 5568 section 5.4).
  static let burst: UInt8 = 5
  /// Arrivals during a drain from which on their own rate counts: fewer say little.
  private static let meaningful: UInt32 = 8

  /// Nanoseconds between two packets that leave: as between those that arrived. When others join it is an eighth less,
  /// so that the drain ends; and when those come faster than the first ones did, their rate counts.
  var interval: UInt64 {
    let measured = min(arrivals.count > 1 ? arrivals.interval : intervalBefore, longest)
    guard joined.count > 0 else { return measured }
    let least = joined.count < Self.meaningful ? measured : min(measured, joined.interval)
    return least - least / 8
  }

  /// - Parameter left: nanoseconds that the first packet has until it is too old. All that is held leaves in that time:
  ///   arrivals in bursts with pauses between them are far apart on the average, and the first ones would wait too long.
  mutating func startDrain(now: UInt64, left: UInt64) {
    mode = .draining
    longest = left / UInt64(max(count, 1))
    burst = Self.burst
    release = now
    joined = ArrivalRate()
  }

  /// What arrives from now on has a rate of its own.
  mutating func wait() {
    mode = .waiting
    intervalBefore = interval
    arrivals = ArrivalRate()
  }

  /// A packet has left.
  mutating func noteRelease() {
    if burst > 1 {
      burst -= 1
    } else {
      burst = 0
      // From when it was due, not from when it left: a late turn catches up.
      release &+= interval
    }
  }
}

/// The mean distance of arrivals.
struct ArrivalRate: BitwiseCopyable {
  var first: UInt64 = 0
  var last: UInt64 = 0
  var count: UInt32 = 0

  mutating func note(_ now: UInt64) {
    if count == 0 { first = now }
    last = now
    if count < .max { count += 1 }
  }

  /// Nanoseconds; 0 for less than two arrivals.
  var interval: UInt64 { count > 1 ? (last - first) / UInt64(count - 1) : 0 }
}
