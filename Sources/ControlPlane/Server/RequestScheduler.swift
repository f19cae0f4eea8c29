import ControlProtocol
import Glibc
import NIOCore

/// Executes requests on the writer's loop: each connection's in its own order, connections in turn, one slice at a time,
/// so that a single update on one connection overtakes a bulk load on another.
final class RequestScheduler {
  private struct Work {
    let session: ClientSession
    var frames: [IncomingFrame] = []
    /// Of the first frame; nil before its first slice.
    var job: RequestJob?
    /// In `ready`, or waiting for a reply to leave or a grace period to end.
    var isBusy = false
    /// The client has gone; what it began and others depend on goes on to its end.
    var isAbandoned = false
  }

  let responder: RequestResponder
  private let loop: any EventLoop
  private var connections: [UInt64: Work] = [:]
  private var ready: [UInt64] = []
  private var isRunning = false
  private var isStopped = false

  init(responder: RequestResponder, loop: any EventLoop) {
    self.responder = responder
    self.loop = loop
  }

  func enqueue(_ frame: IncomingFrame, from connection: RequestConnection) {
    guard !isStopped else { return }
    connections[connection.id, default: Work(session: ClientSession(connection))].frames.append(frame)
    wake(connection.id)
  }

  /// Forgets a connection; a bulk load of its own ends between two slices, a sweep or bulk revocation with its last one.
  func disconnect(_ connection: RequestConnection) {
    if connections[connection.id]?.job?.outlivesClient == true {
      connections[connection.id]?.isAbandoned = true
    } else {
      forget(connection.id)
    }
    responder.core.hub.unsubscribe(connection.id)
    responder.statistics.forget(connection.id)
  }

  private func forget(_ id: UInt64) {
    if let work = connections.removeValue(forKey: id) { responder.forget(work.session) }
  }

  /// Nothing is executed, answered or told from now on: both loops are about to end.
  func stop() {
    isStopped = true
    connections.removeAll()
    ready.removeAll()
    responder.core.hub.unsubscribeAll()
    responder.statistics.stop()
  }

  private func wake(_ id: UInt64) {
    guard let work = connections[id], !work.isBusy, !work.frames.isEmpty else { return }
    connections[id]?.isBusy = true
    ready.append(id)
    runSoon()
  }

  /// One slice for each trip through the loop: kernel events, timers and newly arrived requests come in between.
  private func runSoon() {
    guard !isRunning, !ready.isEmpty else { return }
    isRunning = true
    loop.assumeIsolated().execute {
      self.isRunning = false
      self.runSlice()
      self.runSoon()
    }
  }

  private func runSlice() {
    guard !ready.isEmpty else { return }
    let id = ready.removeFirst()
    guard let work = connections[id], let frame = work.frames.first else { return }
    var job = work.job ?? responder.job(for: frame, work.session)
    let step = responder.perform(&job, work.session)
    connections[id]?.job = job
    if work.isAbandoned, !job.outlivesClient || step.ends { return forget(id) }
    switch step {
    case .again:
      ready.append(id)
      // A bulk request, which would keep the CPU for a whole slice of the scheduler's, some milliseconds, before the
      // control loop can hand over a request that overtakes it.
      sched_yield()
    case .reply(let reply):
      finish(id, frame, reply)
    case .share(let reply, let area):
      finish(id, frame, reply, passing: area)
    case .page(let reply, let more):
      let written = work.session.connection.send(reply, to: frame, more: more, isLast: false)
      // A stream goes on when the socket has taken the last page: never more than one page in memory.
      written.hop(to: loop).assumeIsolated().whenComplete { _ in
        guard self.connections[id] != nil else { return }
        self.ready.append(id)
        self.runSoon()
      }
    case .whenQuiesced(let generation, let reply):
      responder.core.whenQuiesced(generation) { quiesced in
        self.finish(id, frame, quiesced ? reply : Self.stuck(reply))
      }
    }
  }

  private func finish(_ id: UInt64, _ frame: IncomingFrame, _ reply: Reply, passing area: StatisticsArea? = nil) {
    guard let work = connections[id], !work.frames.isEmpty else { return }
    work.session.connection.send(reply, to: frame, passing: area)
    connections[id]?.frames.removeFirst()
    connections[id]?.job = nil
    connections[id]?.isBusy = false
    wake(id)
  }

  /// The change is made and published; only the stronger acknowledgement cannot be given.
  private static func stuck(_ reply: Reply) -> Reply {
    guard case .outcome(var outcome) = reply else { return reply }
    outcome.firstFailure = .init(
      index: nil, code: .unavailable, field: "frame", rule: "published, but a worker has not passed a quiescent point")
    return .failure(.unavailable, outcome)
  }
}
