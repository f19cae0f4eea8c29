/// A rate limit with bursts, the method that RFC 4443 section 2.4 (f) recommends. It starts full.
struct TokenBucket: Sendable {
  /// What one token costs: a second's nanoseconds, so that the credit of a nanosecond is the rate itself.
  private static let token: UInt64 = 1_000_000_000

  private let rate: UInt64
  private let capacity: UInt64
  private var credit: UInt64
  private var last: UInt64?

  /// - Parameters: tokens a second, and the most that are saved; each at most 1,000,000, negative numbers count as 0.
  init(rate: Int, burst: Int) {
    self.rate = UInt64(min(max(rate, 0), 1_000_000))
    capacity = UInt64(min(max(burst, 0), 1_000_000)) * Self.token
    credit = capacity
  }

  /// Takes a token if there is one.
  /// - Parameter now: nanoseconds; a time before the last one counts as the last one.
  mutating func take(now: UInt64) -> Bool {
    let before = last ?? now
    let elapsed = now > before ? now - before : 0
    last = max(now, before)
    let (earned, isHuge) = elapsed.multipliedReportingOverflow(by: rate)
    credit = isHuge || earned > capacity - credit ? capacity : credit + earned
    guard credit >= Self.token else { return false }
    credit -= Self.token
    return true
  }
}
