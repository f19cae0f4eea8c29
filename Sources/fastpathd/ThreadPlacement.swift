import CXdp
import Logging

/// Where the threads beside the workers run: not on the workers' CPUs.
///
/// A worker that polls keeps its CPU busy: a thread that shares it makes packets wait, or waits for them. And what hands
/// a request on from thread to thread had better stay on CPUs that are awake already: with a worker's sleeping CPU among
/// them, one update in a hundred took 0.5 to 2 ms instead of 0.15 to 0.25 (two CPUs of a shared host).
enum ThreadPlacement {
  /// For the calling thread and those that it makes from now on; workers go to their own CPUs themselves.
  /// - Parameter cpus: of the pinned workers; nil when they are not pinned.
  /// - Returns: whether there are CPUs beside the workers', for all other threads.
  static func leave(_ cpus: [Int]?, logger: Logger) -> Bool {
    let cpus = (cpus ?? []).map { Int32($0) }
    // Safe: the array's own elements, for this call.
    let status = unsafe cpus.withUnsafeBufferPointer { unsafe fp_leave_cpus($0.baseAddress, Int32($0.count)) }
    if status == 0 {
      logger.notice("every CPU has a worker: control requests and packets share them")
    } else if status < 0 {
      // Packets go on, only less evenly; a sandbox of the service manager's usually is the reason.
      logger.warning(
        "the kernel keeps threads on the workers' CPUs, where packets wait for them: allow sched_setaffinity",
        metadata: ["errno": "\(-status)"])
    }
    return status > 0
  }
}
