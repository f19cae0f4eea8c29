import Glibc
import SystemPackage

/// A non-blocking pipe that wakes a polling thread. (An eventfd would do the same; glibc's Swift module lacks it, and
/// one octet in a pipe costs the same system call.)
package struct WakePipe: ~Copyable, Sendable {
  private let read: OwnedDescriptor
  private let write: OwnedDescriptor

  package init() throws(Errno) {
    let ends = try Self.open()
    read = OwnedDescriptor(ends.read)
    write = OwnedDescriptor(ends.write)
  }

  /// For polling.
  package var readEnd: Int32 { read.number }
  /// For a bell that others ring.
  package var writeEnd: Int32 { write.number }

  private static func open() throws(Errno) -> (read: Int32, write: Int32) {
    var ends: (Int32, Int32) = (-1, -1)
    let result = unsafe withUnsafeMutableBytes(of: &ends) {
      // Two Int32 side by side are the int[2] that pipe() fills.
      unsafe pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard result == 0 else { throw Errno(rawValue: errno) }
    let read = OwnedDescriptor(ends.0)
    let write = OwnedDescriptor(ends.1)
    for end in [ends.0, ends.1] {
      guard fcntl(end, F_SETFL, O_NONBLOCK) == 0, fcntl(end, F_SETFD, FD_CLOEXEC) == 0 else {
        throw Errno(rawValue: errno)
      }
    }
    return (read.release(), write.release())
  }

  /// Wakes the reader. A full pipe already does, so a write that would block is success.
  package func wake() {
    var mark: UInt8 = 1
    // One octet of a local variable.
    unsafe withUnsafePointer(to: &mark) { _ = unsafe Glibc.write(writeEnd, $0, 1) }
  }

  /// Takes all wake-ups that are pending.
  package func drain() {
    var room: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    // Reads into a local variable of the size passed; ends when nothing is left (or on an error).
    while unsafe withUnsafeMutableBytes(of: &room, { unsafe Glibc.read(readEnd, $0.baseAddress, $0.count) }) > 0 {}
  }
}
