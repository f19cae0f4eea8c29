import Glibc

/// Standard output and standard error by whole texts: records of a dump are too many for `print`.
struct Output: ~Copyable {
  private static let flushAt = 1 << 16
  private let descriptor: Int32
  private var pending: [UInt8] = []

  static func standardOutput() -> Output { Output(descriptor: STDOUT_FILENO) }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// Writes one line to standard error.
  static func complain(_ line: String) {
    var output = Output(descriptor: STDERR_FILENO)
    output.line(line)
    output.flush()
  }

  /// Writes to standard error as it is.
  static func show(onTerminal text: String) {
    var output = Output(descriptor: STDERR_FILENO)
    output.pending.append(contentsOf: text.utf8)
    output.flush()
  }

  mutating func line(_ text: String) {
    pending.append(contentsOf: text.utf8)
    pending.append(0x0a)
    if pending.count >= Self.flushAt { flush() }
  }

  mutating func flush() {
    var written = 0
    while written < pending.count {
      // Safe: the pointer is into pending, with the remaining count, for this call only.
      let result = unsafe pending.withUnsafeBytes { buffer in
        unsafe write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      }
      if result >= 0 {
        written += result
      } else if errno != EINTR {
        // The reader is gone or the disk is full: what was asked for cannot be given, and the status must say so.
        exit(1)
      }
    }
    pending.removeAll(keepingCapacity: true)
  }
}
