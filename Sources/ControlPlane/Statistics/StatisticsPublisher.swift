import ControlProtocol
import NIOCore

/// Keeps the memory of STATS fresh while a connection that asked for it is open; otherwise it does nothing at all. Confined
/// to the writer's loop.
final class StatisticsPublisher {
  private static let period = TimeAmount.milliseconds(100)

  private let source: any StatusSource
  private let loop: any EventLoop
  private let clock: @Sendable () -> UInt64
  private var area: StatisticsArea?
  private var readers: Set<UInt64> = []
  private var timer: Scheduled<Void>?

  init(source: any StatusSource, loop: any EventLoop, clock: @escaping @Sendable () -> UInt64) {
    self.source = source
    self.loop = loop
    self.clock = clock
  }

  /// The memory of now, kept fresh as long as this connection lives.
  func share(with connection: UInt64) throws(StatisticsAreaError) -> StatisticsArea {
    let area = try refreshed()
    readers.insert(connection)
    if timer == nil { arm() }
    return area
  }

  private func arm() {
    timer = loop.assumeIsolated().scheduleTask(in: Self.period) {
      // Without memory for new names the old area stays as it is, and its readers see that it ages.
      _ = try? self.refreshed()
      self.arm()
    }
  }

  func forget(_ connection: UInt64) {
    readers.remove(connection)
    guard readers.isEmpty else { return }
    timer?.cancel()
    timer = nil
  }

  func stop() {
    readers.removeAll()
    timer?.cancel()
    timer = nil
  }

  private func refreshed() throws(StatisticsAreaError) -> StatisticsArea {
    let items = source.counterItems
    if let area, area.names.elementsEqual(items.lazy.map(\.name)) {
      area.write(items.map(\.value), time: clock())
      return area
    }
    let next = try StatisticsArea(names: items.map(\.name))
    next.write(items.map(\.value), time: clock())
    area?.supersede()
    area = next
    return next
  }
}
