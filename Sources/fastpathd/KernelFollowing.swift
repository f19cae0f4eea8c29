import ControlPlane
import ControlProtocol
import Dispatch
import FlowTable
import Glibc
import Logging
import SlowPath
import Synchronization

/// The kernel's routes and neighbours on their way to the table service, and its questions on their way back.
///
/// With `kernel-sync: false` it exists but follows nothing: next hops come from the configuration alone.
final class KernelFollowing: Sendable {
  private struct State {
    var mirror: KernelMirror?
    var synchronizations = 0
    var overflows = 0
    var lastError: NetlinkError?
  }

  private let state = Mutex(State())
  /// Questions to the kernel wait for its answer, up to a second when it is busy: not on the writer's thread.
  private let questions = DispatchQueue(label: "fastpath.neighbours")
  private let waiting = Atomic<Int>(0)
  /// Two seconds' worth of the resolver's rate; beyond it a question is dropped, since the resolver asks again.
  private static let longestQueue = 256
  private let logger: Logger

  init(logger: Logger) { self.logger = logger }

  /// Starts to follow and waits until the first full set is on its way to the service.
  /// - Throws: status 2 if the kernel's tables cannot be read, or not within ten seconds.
  func start(_ deliver: @escaping @Sendable ([KernelEvent]) -> Void) throws(ExitFailure) {
    do throws(NetlinkError) {
      // Within the lock: the mirror's thread reports at once, and a question that finds no mirror would be lost until
      // the resolver asks again, a second without a neighbour later.
      try state.withLock { (state) throws(NetlinkError) in
        state.mirror = try KernelMirror(
          report: { self.note($0) },
          sink: { events in
            deliver(events)
            if events.contains(.synchronized) { self.noteSynchronization() }
          })
      }
    } catch {
      throw .environment("fastpathd: the kernel's routes cannot be followed: \(error)")
    }
    let end = ContinuousClock.now + .seconds(10)
    while state.withLock({ $0.synchronizations }) == 0 {
      guard ContinuousClock.now < end else {
        stop()
        let reason = state.withLock { $0.lastError.map { "\($0)" } ?? "the dump takes too long" }
        throw .environment("fastpathd: the kernel's routes cannot be read: \(reason)")
      }
      usleep(1000)
    }
  }

  func stop() {
    // Taken out first: the mirror's thread may still ask for the lock while it ends.
    state.withLock { $0.mirror.take() }?.stop()
  }

  /// Asks the kernel to resolve a neighbour, without waiting for it.
  func ask(_ request: ResolutionRequest) {
    guard waiting.load(ordering: .relaxed) < Self.longestQueue else { return }
    waiting.add(1, ordering: .relaxed)
    questions.async {
      self.resolve(request)
      self.waiting.subtract(1, ordering: .relaxed)
    }
  }

  /// A refusal (the link is down, say) is no news: the resolver asks again.
  private func resolve(_ request: ResolutionRequest) {
    guard let mirror = state.withLock({ $0.mirror }) else { return }
    do throws(NetlinkError) {
      try mirror.requestResolution(interface: request.interface, address: request.address)
    } catch {
      logger.debug("neighbour cannot be asked for", metadata: ["address": "\(request.address)", "reason": "\(error)"])
    }
  }

  var statusItems: [StatusItem] {
    let (isFollowing, synchronizations, overflows) = state.withLock {
      ($0.mirror != nil, $0.synchronizations, $0.overflows)
    }
    return [
      StatusItem(key: "kernel-sync", value: isFollowing ? "following" : "off"),
      StatusItem(key: "kernel-sync.dumps", value: "\(synchronizations)"),
      StatusItem(key: "kernel-sync.overflows", value: "\(overflows)"),
    ]
  }

  private func noteSynchronization() {
    state.withLock { state in
      state.synchronizations += 1
      state.lastError = nil
    }
  }

  /// One line for each change of the kind of trouble, so that a lasting one does not fill the log.
  private func note(_ error: NetlinkError) {
    let isNews = state.withLock { state in
      defer { state.lastError = error }
      if error == .overflow { state.overflows += 1 }
      return state.lastError != error
    }
    if isNews { logger.warning("following the kernel's routes is disturbed", metadata: ["reason": "\(error)"]) }
  }
}
