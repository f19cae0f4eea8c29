import FlowTable

/// Unresolved next hops in the order in which they are asked for.
struct RetryQueue {
  static let period: UInt64 = 1_000_000_000
  /// Questions a second at most. The kernel keeps 128 unresolved entries a device before it collects garbage
  /// (net.ipv6.neigh.default.gc_thresh1), and asks three times for each on its own.
  static let limit = 128

  var queue: [PortAddress] = []
  var members: Set<PortAddress> = []
  /// End of the running second, in nanoseconds of the injected clock.
  var nextTurn: UInt64 = 0
  /// Questions left in the running second.
  var allowance = limit

  /// How often a known neighbour is asked about: the kernel's own bound on how long it believes one without traffic
  /// (net.ipv6.neigh.default.base_reachable_time_ms).
  static let verificationPeriod: UInt64 = 30_000_000_000
  /// Known next hops still to be asked about in this period.
  var unverified: [PortAddress] = []
  var nextVerification: UInt64?
}

extension NextHopResolver {
  /// Asks at once for a next hop that is in use and unresolved, and keeps asking at every turn.
  func want(_ key: HopKey) {
    guard requestResolution != nil, let neighbor = key.neighbor, hops.state(key) == .unresolved,
      retries.members.insert(neighbor).inserted
    else { return }
    retries.queue.append(neighbor)
    ask(neighbor)
  }

  private func ask(_ neighbor: PortAddress) {
    let port = ports[Int(neighbor.port)]
    guard let interface = port.interface, port.up, retries.allowance > 0 else { return }
    retries.allowance -= 1
    requestResolution?(ResolutionRequest(port: neighbor.port, interface: interface, address: neighbor.address))
  }

  /// Once a second: asks again for what is still unresolved, for ever, a bounded number of them in turn; and retries what
  /// the forwarding table refused.
  ///
  /// - Parameter now: nanoseconds of the injected monotonic clock.
  public func tick(now: UInt64) {
    guard now >= retries.nextTurn else { return }
    retries.nextTurn = now &+ RetryQueue.period
    retries.allowance = RetryQueue.limit
    hops.reap(writer)
    if pendingError != nil { settle() }
    let turn = min(retries.queue.count, RetryQueue.limit)
    let asked = Array(retries.queue.prefix(turn))
    retries.queue.removeFirst(turn)
    for neighbor in asked {
      guard hops.state(.neighbor(neighbor)) == .unresolved else {
        retries.members.remove(neighbor)
        continue
      }
      retries.queue.append(neighbor)
      ask(neighbor)
    }
    verify(now)
  }

  /// The kernel sees none of the traffic that workers send, so its entries go stale and a neighbour that took another
  /// address without saying so would be lost for good: those in use are asked about now and then, within the same rate.
  private func verify(_ now: UInt64) {
    guard requestResolution != nil else { return }
    let due = retries.nextVerification ?? now &+ RetryQueue.verificationPeriod
    if now >= due {
      retries.unverified = hops.keys.compactMap(\.neighbor).filter { neighbors.isLearned($0) }
      retries.nextVerification = now &+ RetryQueue.verificationPeriod
    } else {
      retries.nextVerification = due
    }
    while retries.allowance > 0, let neighbor = retries.unverified.popLast() {
      if neighbors.isLearned(neighbor) { ask(neighbor) }
    }
  }
}
