import SystemPackage

/// What the kernel says of this process in /proc/self/status, and in other files of its own.
enum ProcessFacts {
  /// The value of one line, without the name and the blanks around it; nil if the file or the line is not there.
  static func statusField(_ name: String) -> String? {
    guard let text = text(ofFile: "/proc/self/status") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("\(name):") {
      return line.dropFirst(name.utf8.count + 1).trimmingBlanks
    }
    return nil
  }

  /// CPUs that this process may run on, ascending; `Cpus_allowed_list` has the form `0-3,8`.
  static func allowedProcessors() -> [Int] {
    guard let list = statusField("Cpus_allowed_list") else { return [] }
    return list.split(separator: ",").flatMap { range -> [Int] in
      let ends = range.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// The first 8192 octets of a file of the kernel's; nil when it is not there.
  static func text(ofFile path: String) -> String? {
    guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return nil }
    let octets = try? file.closeAfter {
      // The files asked for are smaller than this, and are read whole in one call.
      try unsafe [UInt8](unsafeUninitializedCapacity: 8192) { room, count in
        // The buffer's own room; the count is what the kernel says it filled.
        count = try unsafe file.read(into: UnsafeMutableRawBufferPointer(room))
      }
    }
    return octets.map { String(decoding: $0, as: UTF8.self) }
  }
}

extension Substring {
  fileprivate var trimmingBlanks: String {
    let isBlank = { (character: Character) in character == " " || character == "\t" }
    return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
