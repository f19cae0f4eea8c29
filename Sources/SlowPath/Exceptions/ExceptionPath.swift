import FastPath
import FlowTable
import Synchronization
import SystemPackage

/// The exception path of a running plane: what connects its rings, the engine on the slow path's thread, and who asks
/// for counters or listens for path MTUs from other threads.
public final class ExceptionPath: Sendable {
  public typealias PathListener = @Sendable (PathMTUChange) -> Void
  public typealias NoticeListener = @Sendable (TrafficNotice) -> Void

  let rings: [PuntRingMemory]
  let injection: PuntRingMemory
  /// By which other workers send to worker 0, which has one bell.
  private let handover: [PuntRingMemory]
  let settings: SlowPathSettings
  private let bell: WakePipe
  private let published = Mutex(SlowPathCounters())
  private let listener = Mutex<PathListener?>(nil)
  private let noticeListener = Mutex<NoticeListener?>(nil)

  /// - Parameters:
  ///   - rings: from the workers; kept alive as long as this object.
  ///   - injection: towards worker 0; likewise.
  ///   - handover: from the other workers to worker 0, which wakes by the same bell; likewise.
  /// - Throws: the errno of pipe().
  public init(
    rings: [PuntRingMemory], injection: PuntRingMemory, handover: [PuntRingMemory] = [], settings: SlowPathSettings
  ) throws(Errno) {
    self.rings = rings
    self.injection = injection
    self.handover = handover
    self.settings = settings
    bell = try WakePipe()
    for ring in [injection] + handover { ring.setBell(bell.writeEnd) }
  }

  deinit { for ring in [injection] + handover { ring.setBell(-1) } }

  /// Readable when worker 0 has packets waiting; for `LivePlane.start`. Open as long as this object.
  public var bellDescriptor: Int32 { bell.readEnd }

  /// What has been counted up to the last turn of the slow path's thread.
  public var counters: SlowPathCounters { published.withLock { $0 } }

  /// Who hears of path MTUs from now on, on the slow path's thread.
  public func listen(_ body: @escaping PathListener) { listener.withLock { $0 = body } }

  /// Who hears of traffic that the control plane may act on, likewise.
  public func listenToNotices(_ body: @escaping NoticeListener) { noticeListener.withLock { $0 = body } }

  func tell(_ notice: TrafficNotice) {
    let body = noticeListener.withLock { $0 }
    body?(notice)
  }

  func publish(_ counters: SlowPathCounters) { published.withLock { $0 = counters } }

  func tell(_ change: PathMTUChange) {
    let body = listener.withLock { $0 }
    body?(change)
  }
}
