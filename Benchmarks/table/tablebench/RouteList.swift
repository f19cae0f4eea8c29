import FlowTable
import Glibc

/// The list of routes that prefixes.py writes: lines "PREFIX/LENGTH NEXTHOP", next hops numbered from 1.
enum RouteList {
  static func read(_ path: String) throws -> [(prefix: Prefix, nextHop: UInt32)] {
    guard let file = unsafe fopen(path, "r") else { throw Unreadable(path: path, line: 0) }
    defer { unsafe fclose(file) }
    var routes: [(prefix: Prefix, nextHop: UInt32)] = []
    var line = [CChar](repeating: 0, count: 128)
    // fgets writes at most the array's size and ends it with a zero.
    while unsafe fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
      let fields = text.split { $0 == " " || $0 == "\n" }
      guard fields.count == 2, let prefix = Prefix(text: String(fields[0])), let nextHop = UInt32(fields[1]),
        nextHop > 0
      else { throw Unreadable(path: path, line: routes.count + 1) }
      routes.append((prefix, nextHop))
    }
    return routes
  }

  struct Unreadable: Error, CustomStringConvertible {
    let path: String
    let line: Int
    var description: String { "\(path):\(line): not \"PREFIX/LENGTH NEXTHOP\"" }
  }
}
