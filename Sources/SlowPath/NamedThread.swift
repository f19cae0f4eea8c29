import Glibc
import Synchronization
import SystemPackage

/// One pthread with a name, for work that blocks in poll. It must be joined exactly once.
package final class NamedThread: Sendable {
  private let handle: Mutex<pthread_t?>

  /// Starts the thread. `name` is what `ps -L` shows (15 octets at most).
  package init(name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
    var thread = pthread_t()
    // Ownership of the box goes to the thread, which takes it back below; if none starts, it is taken back here.
    let context = unsafe Unmanaged.passRetained(ThreadBody(name, body)).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { context in
        // The pointer is the retained box passed to pthread_create, received exactly once.
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().start()
        return nil
      }, context)
    guard result == 0 else {
      unsafe Unmanaged<ThreadBody>.fromOpaque(context).release()
      throw Errno(rawValue: result)
    }
    handle = Mutex(thread)
  }

  /// Waits for the thread's end. A second call returns at once.
  package func join() {
    let thread = handle.withLock { $0.take() }
    if let thread { pthread_join(thread, nil) }
  }
}

/// Carries a name and a closure through pthread_create's untyped argument.
private final class ThreadBody: Sendable {
  private let name: String
  private let run: @Sendable () -> Void

  init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    self.name = name
    self.run = run
  }

  func start() {
    // pthread_setname_np is not in glibc's Swift module. A name is for the operator's eyes; a thread works without one.
    if let file = try? FileDescriptor.open(FilePath("/proc/thread-self/comm"), .writeOnly) {
      _ = try? file.closeAfter { try file.writeAll(name.utf8) }
    }
    run()
  }
}
