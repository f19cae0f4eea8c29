import Glibc

/// The time of a turn in nanoseconds: the monotonic clock, or what an owner says that plays the clock. Read when it is
/// needed only, which for plain packets it never is.
struct TurnClock: BitwiseCopyable {
  var fixed: UInt64?

  func now() -> UInt64 {
    if let fixed { return fixed }
    var time = timespec()
    // Fills a local variable; the monotonic clock always exists.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
