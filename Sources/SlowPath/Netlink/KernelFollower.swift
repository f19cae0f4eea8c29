import FlowTable
import Glibc

/// What the mirror's thread runs: sockets, tables, and the loop between them. Owned by that thread alone.
struct KernelFollower: ~Copyable {
  /// Events per call of the sink, so that a dump of a million routes does not become one array of them.
  private static let batch = 1024
  /// Pauses between attempts after a failure, in milliseconds: a flood of changes must not become a flood of dumps.
  private static let firstPause: Int32 = 50
  private static let longestPause: Int32 = 2000

  private var notifications: NetlinkSocket
  private var dump: KernelDump
  private let report: @Sendable (NetlinkError) -> Void
  private let sink: KernelMirror.Sink
  private var tables = KernelTables()
  private var isFirst = true
  private var isComplete = false
  private var pause = firstPause

  init(
    notifications: consuming NetlinkSocket, dump: consuming KernelDump,
    report: @escaping @Sendable (NetlinkError) -> Void, sink: @escaping KernelMirror.Sink
  ) {
    self.notifications = notifications
    self.dump = dump
    self.report = report
    self.sink = sink
  }

  /// Follows until `stop` becomes readable.
  mutating func run(until stop: Int32) {
    var timeout: Int32 = 0
    while !wait(stop, timeout) {
      do throws(NetlinkError) {
        if !isComplete { try synchronize() }
        try takeNotifications()
        try refreshRoutes()
        pause = Self.firstPause
        timeout = -1
      } catch {
        report(error)
        if case .overflow = error { isComplete = false }
        timeout = pause
        pause = min(2 * pause, Self.longestPause)
      }
    }
  }

  /// - Returns: true if it is time to stop. A poll that fails otherwise only makes the loop look again.
  private func wait(_ stop: Int32, _ timeout: Int32) -> Bool {
    // While a failure is being waited out, notifications stay queued: only the stop signal is of interest.
    var descriptors = (
      pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
      pollfd(fd: timeout < 0 ? notifications.descriptor : -1, events: Int16(POLLIN), revents: 0)
    )
    unsafe withUnsafeMutableBytes(of: &descriptors) {
      // Two pollfd side by side are the array of two that poll() expects.
      _ = unsafe poll($0.baseAddress?.assumingMemoryBound(to: pollfd.self), 2, timeout)
    }
    return descriptors.0.revents != 0
  }

  /// Dumps everything and announces it. What changes meanwhile is queued and applied afterwards: replaying a change that
  /// the dump already shows ends in the same state.
  private mutating func synchronize() throws(NetlinkError) {
    try discardNotifications()
    tables = try dump.tables()
    emit((isFirst ? [] : [.resynchronized]) + tables.events + [.synchronized])
    isFirst = false
    isComplete = true
  }

  /// Empties the queue before a dump. After an overflow what is still queued is older than what was lost, so applying it
  /// to the dump could bring back what is gone; and only an empty queue lets the kernel report the next overflow
  /// (NETLINK_S_CONGESTED in net/netlink/af_netlink.c).
  private mutating func discardNotifications() throws(NetlinkError) {
    while true {
      do throws(NetlinkError) {
        guard try notifications.receive() != nil else { return }
      } catch .overflow {
        continue
      }
    }
  }

  private mutating func takeNotifications() throws(NetlinkError) {
    var events: [KernelEvent] = []
    defer { emit(events) }
    while let messages = try notifications.receive() {
      for message in messages {
        guard let notice = KernelNotice(message) else { continue }
        tables.apply(notice, &events)
      }
      if events.count >= Self.batch {
        emit(events)
        events = []
      }
    }
  }

  private mutating func refreshRoutes() throws(NetlinkError) {
    for family in tables.staleRoutes {
      var events: [KernelEvent] = []
      tables.refresh(family, try dump.routes(family), &events)
      emit(events)
    }
  }

  private func emit(_ events: [KernelEvent]) {
    for start in stride(from: 0, to: events.count, by: Self.batch) {
      sink(Array(events[start..<min(start + Self.batch, events.count)]))
    }
  }
}
