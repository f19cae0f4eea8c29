import FlowTable
import Glibc
import Synchronization
import SystemPackage

/// Follows the kernel's links, neighbours and routes over rtnetlink and tells a sink what changed.
///
/// One thread: it subscribes first, then dumps, then applies notifications, so that nothing can fall between the two.
/// The first set ends with `.synchronized`. If the kernel had to drop notifications (ENOBUFS), everything is dumped
/// again and only then announced: `.resynchronized`, the full set, `.synchronized` in one go.
///
/// Of the main tables, unicast, unreachable, blackhole and prohibit routes are mirrored; of the local tables, local
/// addresses. See `RouteNotice` for several next hops, encapsulating routes and next-hop objects.
public final class KernelMirror: Sendable {
  /// Receives events in order, some at a time, on the mirror's thread. It must not block for long.
  public typealias Sink = @Sendable ([KernelEvent]) -> Void

  private let stopSignal: WakePipe
  private let thread: NamedThread
  private let solicitor: Mutex<NeighborSolicitor>

  /// Starts following the network namespace of the calling thread.
  ///
  /// - Parameters:
  ///   - receiveBuffer: octets of notifications the kernel may queue before it drops them.
  ///   - report: told of every failure after the start; the mirror goes on trying.
  ///   - sink: receives the events.
  /// - Throws: `NetlinkError.systemCall` if a socket or the thread cannot be had.
  public init(
    receiveBuffer: Int32 = 8 << 20, report: @escaping @Sendable (NetlinkError) -> Void, sink: @escaping Sink
  ) throws(NetlinkError) {
    let notifications = try NetlinkSocket(groups: NetlinkGroup.allCases, receiveBuffer: receiveBuffer)
    let follower = KernelFollower(
      notifications: notifications, dump: try KernelDump(), report: report, sink: sink)
    solicitor = Mutex(try NeighborSolicitor())
    do throws(Errno) {
      stopSignal = try WakePipe()
      let stopDescriptor = stopSignal.readEnd
      let handover = Mutex<KernelFollower?>(consume follower)
      thread = try NamedThread(name: "fp-rtnetlink") {
        guard var follower = handover.withLock({ $0.take() }) else { return }
        follower.run(until: stopDescriptor)
      }
    } catch {
      throw .systemCall("pthread_create or pipe", error)
    }
  }

  /// Asks the kernel to resolve a neighbour; the outcome comes as an event. Callers bound how often they ask.
  ///
  /// May be called from any thread; takes two short system calls. A valid entry is never overridden; asking about a
  /// stale one has the kernel probe it.
  /// - Throws: `NetlinkError.refused` if the interface is gone or down, `.timedOut` or `.systemCall`.
  public func requestResolution(interface: UInt32, address: IPAddress) throws(NetlinkError) {
    try solicitor.withLock { (solicitor) throws(NetlinkError) in
      try solicitor.request(interface: interface, address: address)
    }
  }

  /// Stops following and waits for the thread: the sink is not called after this returns.
  public func stop() {
    stopSignal.wake()
    thread.join()
  }
}
