import ControlProtocol
import Foundation
import Glibc

/// A peer for one connection that says HELLO, takes one more frame, answers with the octets given, and closes.
final class StubDaemon: Sendable {
  let socket: String
  private let listener: Int32

  init(answer: [UInt8]) throws {
    socket = "/tmp/fp-stub-\(UInt64.random(in: 0...(.max))).sock"
    let listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Safe: sun_path is 108 zeroed octets, and the path above is shorter.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: socket.utf8) }
    // Safe: bind reads one sockaddr_un during the call.
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, listen(listener, 1) == 0 else { throw POSIXError(.EADDRINUSE) }
    var hello: [UInt8] = []
    Reply.hello(
      HelloReply(
        major: 1, minor: 1, access: .write, role: .lma, bootID: (1, 2), generation: 0, limits: .standard, tables: [],
        software: "stub")
    ).encode(type: MessageType.hello.rawValue, requestID: 0, into: &hello)
    let answers = [hello, answer]
    Thread.detachNewThread {
      let connection = accept(listener, nil, nil)
      let size = 4096
      var request = [UInt8](repeating: 0, count: size)
      for answer in answers {
        // Safe: both calls stay within the array whose size they are given.
        _ = unsafe recv(connection, &request, size, 0)
        _ = unsafe send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
      }
      close(connection)
    }
  }

  deinit {
    close(listener)
    // Safe: the path is a terminated string for this call.
    _ = unsafe unlink(socket)
  }
}
