import FlowTable
import Glibc
import Synchronization

/// A worker that counts packets of the one tunnel as soon as it finds it, some in each round.
final class CountingThread: @unchecked Sendable {
  private let table: FlowTable
  private let worker: Int
  // The MTU of the round's tunnel, 0 between rounds and UInt32.max for the end; and what was counted, plus one.
  private let wanted = Atomic<UInt32>(0)
  private let counted = Atomic<UInt64>(0)
  private var thread = pthread_t()

  init(_ table: FlowTable, worker: Int) {
    self.table = table
    self.worker = worker
    let context = unsafe Unmanaged.passRetained(self)
    // The thread takes over the retained reference.
    let error = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<CountingThread>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    precondition(error == 0, "cannot start a worker thread")
  }

  func expect(mtu: UInt16) {
    counted.store(0, ordering: .relaxed)
    wanted.store(UInt32(mtu), ordering: .releasing)
  }

  /// Waits until the worker has counted what it wanted to, and is offline.
  func finishRound() -> UInt64 {
    while counted.load(ordering: .acquiring) == 0 { sched_yield() }
    return counted.load(ordering: .acquiring) - 1
  }

  func finish() {
    wanted.store(.max, ordering: .releasing)
    pthread_join(thread, nil)
  }

  private func run() {
    let traffic = table.traffic(worker: worker)
    let ends = Fixture.endpoints(0)
    while true {
      let mtu = wanted.load(ordering: .acquiring)
      if mtu == .max { return }
      if mtu == 0 { continue }
      table.quiescence.online(worker)
      var packets: UInt64 = 0
      while packets < 20 {
        let tunnel = table.view.snapshot().tunnelID(
          local: (ends.local.high.bigEndian, ends.local.low.bigEndian),
          remote: (ends.remote.high.bigEndian, ends.remote.low.bigEndian))
        if tunnel != TunnelID(0) {
          traffic.countUp(tunnel: tunnel, bytes: UInt64(mtu))
          packets += 1
        }
        table.quiescence.report(worker)
      }
      table.quiescence.offline(worker)
      wanted.store(0, ordering: .relaxed)
      counted.store(packets + 1, ordering: .releasing)
    }
  }
}
