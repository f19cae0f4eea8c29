import Glibc

/// Reading whole inputs.
enum FileInput {
  static func readStandardInput() throws(CommandFailure) -> [UInt8] {
    try readAll(STDIN_FILENO, name: "standard input")
  }

  /// - Parameter path: a file, or `-` for standard input.
  static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
    guard path != "-" else { return try readStandardInput() }
    // Safe: path is passed as a terminated string for this call only.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { close(descriptor) }
    return try readAll(descriptor, name: path)
  }

  private static func readAll(_ descriptor: Int32, name: String) throws(CommandFailure) -> [UInt8] {
    var octets: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      // Safe: read writes at most chunk.count octets into chunk.
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
      }
      if count > 0 {
        octets.append(contentsOf: chunk[..<count])
      } else if count == 0 {
        return octets
      } else if errno != EINTR {
        throw failure(name, errno)
      }
    }
  }

  private static func failure(_ name: String, _ code: Int32) -> CommandFailure {
    // Safe: strerror returns a terminated string, copied before anything else runs.
    .refused("cannot read \(name): \(unsafe String(cString: strerror(code)))")
  }
}
