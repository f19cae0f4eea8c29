import ControlProtocol
import Glibc
import RecordText

/// An event as `watch` and replay show it: one JSON object with `event`, `at`, and what it is about.
enum EventText {
  /// Items whose values are JSON numbers or booleans; those of kinds unknown here are strings.
  private static let bareKeys: Set<String> = [
    "access.vlan", "capacity", "count", "encapsulationLimit", "entries", "first-lost", "greKey.down", "greKey.up",
    "hopLimit", "lifetime", "localRouting", "lost", "mtu", "owner", "receiveOnly", "requireEsp", "static",
  ]

  static func json(_ event: EventReport) -> String {
    var members: [(String, String)] = []
    for item in event.items {
      members.append((item.key, bare(item) ? item.value : JSONText.quoted(item.value)))
    }
    // Behind the name, which comes first.
    members.insert(("at", seconds(wallTime(of: event.time))), at: min(1, members.count))
    return JSONText.object(members)
  }

  private static func bare(_ item: StatusItem) -> Bool {
    guard bareKeys.contains(item.key) else { return false }
    return item.value == "true" || item.value == "false" || UInt64(item.value).map { "\($0)" == item.value } ?? false
  }

  /// Seconds with nine digits, the notation of every `at`.
  static func seconds(_ time: UInt64) -> String {
    let fraction = String(time % 1_000_000_000)
    return "\(time / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
  }

  /// The daemon counts CLOCK_MONOTONIC, the same on the whole host; people want to know when it was.
  private static func wallTime(of time: UInt64) -> UInt64 {
    let age = nanoseconds(CLOCK_MONOTONIC) &- time
    return nanoseconds(CLOCK_REALTIME) &- age
  }

  private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
    var now = timespec()
    // Safe: clock_gettime fills this one structure.
    unsafe clock_gettime(clock, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }
}
