/// The rings between one worker and the slow path. `PuntRingMemory` owns their memory and must outlive the worker.
struct WorkerRings {
  /// Packets for the kernel.
  var kernel: PuntRing
  /// Packets that need more than a turn.
  var exceptions: PuntRing
  /// Packets from the slow path; nil for workers that get none.
  var injection: PuntRingConsumer?
}
