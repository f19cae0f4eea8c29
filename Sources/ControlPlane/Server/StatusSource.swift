import ControlProtocol

/// What STATUS and COUNTERS report beside the registry: ports, queues, workers, reasons. Implemented by the daemon.
///
/// Called on the writer thread; answers must come from what is at hand, without waiting for workers.
public protocol StatusSource: Sendable {
  /// What an operator should see first, one sentence each.
  var warnings: [String] { get }
  /// Lines with dotted keys, e.g. `port.core.queue.0.mode`, in the order to show.
  var statusItems: [StatusItem] { get }
  /// `rx.PORT`, `tx.PORT`, `kernel.REASON`, `drop.REASON`, `held`, `originated.KIND`: all of them, zeros too.
  var counterItems: [CounterItem] { get }
}
