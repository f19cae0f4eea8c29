import ControlProtocol
import Glibc
import NIOCore

/// Executes requests on the writer's loop: each connection's in its own order, connections in turn, one slice at a time,
/// so that a single update on one connection overtakes a bulk load on another.
///
/// The thread that reads a request executes it: a hand-over to another one and back was a third of the time that a single
/// update took (docs/PERFORMANCE.md).
final class RequestScheduler {
  /// Slices of one trip of the loop begin within this time, so that short ones share a trip.
  private static let tripTime = TimeAmount.microseconds(100)

  /// What one connection waits for.
  private final class Work {
    let session: ClientSession
    var frames = CircularBuffer<IncomingFrame>()
    /// Of the first frame; nil before its first slice.
    var job: RequestJob?
    /// In `ready`, or waiting for a reply to leave or a grace period to end.
    var isBusy = false
    /// The client has gone; what it began and others depend on goes on to its end.
    var isAbandoned = false
    /// Nothing of it is executed or answered any more.
    var isForgotten = false

    init(_ session: ClientSession) { self.session = session }
  }

  let responder: RequestResponder
  private let trips: LoopTrips
  private var connections: [UInt64: Work] = [:]
  private var ready = CircularBuffer<Work>()
  private var hasTrip = false
  /// A slice is on the stack: a reply of it that the socket takes at once may let further requests in.
  private var isExecuting = false
  private var isStopped = false

  init(responder: RequestResponder, trips: LoopTrips) {
    self.responder = responder
    self.trips = trips
  }

  /// - Parameter atOnce: its first slice is executed before this returns, if the connection waits for nothing else.
  func enqueue(_ frame: IncomingFrame, from connection: ConnectionHandler, atOnce: Bool) {
    guard !isStopped else { return }
    let work = work(of: connection)
    work.frames.append(frame)
    if atOnce, !isExecuting, !work.isBusy {
      work.isBusy = true
      runSlice(work)
    } else {
      wake(work)
    }
    takeTrip()
  }

  private func work(of connection: ConnectionHandler) -> Work {
    if let work = connections[connection.id] { return work }
    let work = Work(ClientSession(connection))
    connections[connection.id] = work
    return work
  }

  /// Forgets a connection; a bulk load of its own ends between two slices, a sweep or bulk revocation with its last one.
  func disconnect(_ connection: ConnectionHandler) {
    if let work = connections[connection.id] {
      if work.job?.outlivesClient == true { work.isAbandoned = true } else { forget(work) }
    }
    responder.core.hub.unsubscribe(connection.id)
    responder.statistics.forget(connection.id)
  }

  private func forget(_ work: Work) {
    guard !work.isForgotten else { return }
    work.isForgotten = true
    connections[work.session.connection.id] = nil
    responder.forget(work.session)
  }

  /// Nothing is executed, answered or told from now on: the loop is about to end.
  func stop() {
    isStopped = true
    for work in connections.values { work.isForgotten = true }
    connections.removeAll()
    ready.removeAll()
    responder.core.hub.unsubscribeAll()
    responder.statistics.stop()
  }

  private func wake(_ work: Work) {
    guard !work.isBusy, !work.frames.isEmpty else { return }
    work.isBusy = true
    ready.append(work)
  }

  /// The next slices when sockets, kernel events and timers have had their turn.
  private func takeTrip() {
    guard !hasTrip, !ready.isEmpty else { return }
    hasTrip = true
    trips.next {
      let end = NIODeadline.now() + Self.tripTime
      repeat {
        guard let work = self.ready.popFirst() else { break }
        self.runSlice(work)
      } while NIODeadline.now() < end
      self.hasTrip = false
      self.takeTrip()
    }
  }

  private func runSlice(_ work: Work) {
    guard !work.isForgotten, let frame = work.frames.first else { return }
    isExecuting = true
    defer { isExecuting = false }
    var job = work.job ?? responder.job(for: frame, work.session)
    let step = responder.perform(&job, work.session)
    work.job = job
    if work.isAbandoned, !job.outlivesClient || step.ends { return forget(work) }
    switch step {
    case .again:
      ready.append(work)
      // A bulk request, which would keep the CPU for a whole slice of the kernel's, some milliseconds, before a client on
      // this CPU can write a request that overtakes it.
      sched_yield()
    case .reply(let reply): finish(work, frame, reply)
    case .share(let reply, let area): finish(work, frame, reply, passing: area)
    case .page(let reply, let more):
      // A stream goes on when the socket has taken the last page: never more than one page in memory.
      work.session.connection.send(reply, to: frame, more: more) {
        guard !work.isForgotten else { return }
        self.ready.append(work)
        self.takeTrip()
      }
    case .whenQuiesced(let generation, let reply):
      responder.core.whenQuiesced(generation) { quiesced in
        self.finish(work, frame, quiesced ? reply : Self.stuck(reply))
      }
    }
  }

  private func finish(_ work: Work, _ frame: IncomingFrame, _ reply: Reply, passing area: StatisticsArea? = nil) {
    guard !work.isForgotten else { return }
    work.frames.removeFirst()
    work.job = nil
    work.isBusy = false
    wake(work)
    takeTrip()
    // Last, as more requests may come in from within.
    work.session.connection.finish(frame, with: reply, passing: area)
  }

  /// The change is made and published; only the stronger acknowledgement cannot be given.
  private static func stuck(_ reply: Reply) -> Reply {
    guard case .outcome(var outcome) = reply else { return reply }
    outcome.firstFailure = .init(
      index: nil, code: .unavailable, field: "frame", rule: "published, but a worker has not passed a quiescent point")
    return .failure(.unavailable, outcome)
  }
}
