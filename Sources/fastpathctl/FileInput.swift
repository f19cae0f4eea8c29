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
    while true {
      let count = try append(descriptor, name, to: &octets)
      if count == 0 { return octets }
    }
  }

  /// Reads as much as there is at once into the array itself: a load is hundreds of megabytes.
  private static func append(
    _ descriptor: Int32, _ name: String, to octets: inout [UInt8]
  ) throws(CommandFailure) -> Int {
    var facts = stat()
    // Safe: fstat fills this one structure.
    let known = unsafe fstat(descriptor, &facts) == 0 ? Int(facts.st_size) - octets.count + 1 : 0
    let room = max(1 << 20, known)
    while true {
      var count = 0
      octets.append(addingCapacity: room) { span in
        // Safe: read writes at most the buffer's octets, which are initialised as far as it says.
        unsafe span.withUnsafeMutableBufferPointer { buffer, initialized in
          count = unsafe Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
          initialized = max(0, count)
        }
      }
      if count >= 0 { return count }
      guard errno == EINTR else { throw failure(name, errno) }
    }
  }

  private static func failure(_ name: String, _ code: Int32) -> CommandFailure {
    // Safe: strerror returns a terminated string, copied before anything else runs.
    .refused("cannot read \(name): \(unsafe String(cString: strerror(code)))")
  }
}
