import ControlProtocol
import NIOCore

/// Tells subscribers what happens. Confined to the writer's loop.
///
/// Nobody waits for a subscriber: each has a bounded queue, and its next events are written when the socket has taken the
/// last ones.
final class EventHub {
  /// Events in one write: about 16 kB.
  private static let batch = 64

  private final class Subscriber {
    let connection: ConnectionHandler
    let owner: UInt32
    let mask: EventMask
    let requestID: UInt32
    var queue = SubscriberQueue()
    /// The socket has not taken the last events yet.
    var isWriting = false

    init(_ connection: ConnectionHandler, owner: UInt32, mask: EventMask, requestID: UInt32) {
      self.connection = connection
      self.owner = owner
      self.mask = mask
      self.requestID = requestID
    }
  }

  private let loop: any EventLoop
  private let clock: @Sendable () -> UInt64
  private var subscribers: [UInt64: Subscriber] = [:]
  /// What anybody wants to hear of.
  private var wanted: EventMask = []

  init(loop: any EventLoop, clock: @escaping @Sendable () -> UInt64) {
    self.loop = loop
    self.clock = clock
  }

  /// One subscription a connection: a new one takes the place of the last, and an empty mask ends it.
  func subscribe(_ connection: ConnectionHandler, owner: UInt32, mask: EventMask, requestID: UInt32) {
    subscribers[connection.id] =
      mask.isEmpty ? nil : Subscriber(connection, owner: owner, mask: mask, requestID: requestID)
    wanted = EventMask(subscribers.values.map(\.mask))
  }

  func unsubscribe(_ id: UInt64) {
    guard subscribers.removeValue(forKey: id) != nil else { return }
    wanted = EventMask(subscribers.values.map(\.mask))
  }

  func unsubscribeAll() {
    subscribers.removeAll()
    wanted = []
  }

  /// Whether an event of this kind would reach somebody; those that owner `actor` brings about are not told to itself.
  func wants(_ kind: EventKind, by actor: UInt32? = nil) -> Bool {
    guard wanted.contains(EventMask(kind)) else { return false }
    guard let actor else { return true }
    return subscribers.values.contains { $0.mask.contains(EventMask(kind)) && $0.owner != actor }
  }

  /// - Parameters:
  ///   - actor: the owner that brought it about and needs no telling; nil: it happened by itself.
  ///   - event: made only if somebody wants it.
  func publish(_ kind: EventKind, by actor: UInt32? = nil, _ event: @autoclosure () -> DaemonEvent) {
    guard wants(kind, by: actor) else { return }
    let frame = EventFrame(kind, time: clock(), items: event().items)
    for subscriber in subscribers.values where subscriber.mask.contains(EventMask(kind)) {
      if let actor, subscriber.owner == actor { continue }
      subscriber.queue.add(frame)
      deliver(to: subscriber)
    }
  }

  private func deliver(to subscriber: Subscriber) {
    guard !subscriber.isWriting, !subscriber.queue.isEmpty else { return }
    subscriber.isWriting = true
    // After what is being done: the events of one slice go out together.
    loop.assumeIsolated().execute { self.write(to: subscriber) }
  }

  private func write(to subscriber: Subscriber) {
    // It may have ended its subscription since, and nothing follows that reply.
    guard subscribers[subscriber.connection.id] === subscriber else { return }
    let octets = subscriber.queue.take(Self.batch, requestID: subscriber.requestID)
    subscriber.connection.send(octets) { isTaken in
      subscriber.isWriting = false
      // A connection that is gone is forgotten when its end is heard of; another subscription may have its place by now.
      guard isTaken, self.subscribers[subscriber.connection.id] === subscriber else { return }
      self.deliver(to: subscriber)
    }
  }
}
