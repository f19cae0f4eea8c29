import FastPath

/// What keeps workers from being the ones that receive, where `busy-poll` is on; changes nothing.
enum BusyPollSurvey {
  /// What keeps interrupts off between two polls, and when the kernel polls by itself if nobody does (in ns; a worker
  /// polls every few microseconds).
  private static let settings = [("napi_defer_hard_irqs", 2), ("gro_flush_timeout", 200_000)]

  /// At most one sentence for a port; none when all is well, or busy polling is off.
  static func warnings(_ ports: [PortFacts], _ sockets: [SocketFacts]) -> [String] {
    ports.indices.compactMap { index in
      let queues = sockets.filter { $0.port == index }
      if queues.contains(where: { $0.busyPoll == .rings }) { return unknown(ports[index]) }
      return queues.contains { $0.busyPoll == .driver } ? shared(ports[index].interface) : nil
    }
  }

  private static func unknown(_ port: PortFacts) -> String {
    "\(port.interface) (\(port.driver)): busy polling finds nothing to poll so far: the worker looks at its rings without a "
      + "pause, and interrupts receive; leave them as they are until `fastpathctl status` says busy-poll driver"
  }

  private static func shared(_ interface: String) -> String? {
    let remedies = settings.compactMap { name, value -> String? in
      let path = "/sys/class/net/\(interface)/\(name)"
      return ProcessFacts.text(ofFile: path) == "0\n" ? "`echo \(value) > \(path)`" : nil
    }
    guard !remedies.isEmpty else { return nil }
    return "\(interface): interrupts go on beside busy polling; run \(remedies.joined(separator: " and "))"
  }
}
