import ControlPlane
import ControlProtocol
import FlowTable
import Foundation
import Glibc
import Testing

@Suite("A socket from the service manager")
struct InheritedSocketTests {
  /// A socket bound to a path, listening or not; the caller closes it.
  private func bound(_ path: String, type: Int32 = Int32(SOCK_STREAM.rawValue), listens: Bool = true) throws -> Int32 {
    let descriptor = socket(AF_UNIX, type, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Safe: sun_path is 108 zeroed octets, and the paths of these tests are shorter.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
    // Safe: bind reads one sockaddr_un during the call.
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(descriptor >= 0 && status == 0)
    if listens { try #require(listen(descriptor, 16) == 0) }
    return descriptor
  }

  private func reason(_ descriptor: Int32) -> String {
    do throws(ControlSocketError) {
      _ = try InheritedSocket(descriptor: descriptor)
      return "none"
    } catch {
      return error.reason
    }
  }

  @Test("It is served, and its file stays when the daemon goes")
  func served() throws {
    let directory = NSTemporaryDirectory() + "fp-control-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/passed.sock"
    let inherited = try InheritedSocket(descriptor: try bound(path))
    try ServiceFixture(path: directory + "/configured.sock", inherited: inherited).run { _ in
      let client = try SocketClient(path)
      #expect(try client.hello().access == .write)
      #expect(!FileManager.default.fileExists(atPath: directory + "/configured.sock"))
    }
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test("Anything else that is passed is refused with what it is")
  func refused() throws {
    let directory = NSTemporaryDirectory() + "fp-control-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let datagram = try bound(directory + "/datagram", type: Int32(SOCK_DGRAM.rawValue), listens: false)
    let deaf = try bound(directory + "/deaf", listens: false)
    let network = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    // Safe: the path is passed as a terminated string for the call only.
    let file = unsafe open("/dev/null", O_RDONLY)
    defer { for descriptor in [datagram, deaf, network, file] { close(descriptor) } }
    #expect(reason(datagram).contains("no Unix stream socket"))
    #expect(reason(network).contains("no Unix stream socket"))
    #expect(reason(deaf).contains("does not listen"))
    #expect(reason(file).contains("no open socket"))
    #expect(reason(4711).contains("no open socket"))
  }
}
