import CXdp
import FastPath
import FlowTable
import Foundation
import Testing

/// What is embedded is what bpf/ says, and what both sides of the boundary call things.
@Suite struct EmbeddedObjectTests {
  @Test func embeddedObjectIsAFreshCompileOfTheSources() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let object = FileManager.default.temporaryDirectory.appendingPathComponent("fp-steer-\(UUID().uuidString).o")
    defer { try? FileManager.default.removeItem(at: object) }
    try PrivateNetwork.command("'\(root.path)/scripts/embed-bpf.sh' --object '\(object.path)'")
    let fresh = [UInt8](try Data(contentsOf: object))
    var size: UInt64 = 0
    // The object is a constant of the binary and `size` its length.
    let embedded = unsafe Array(UnsafeBufferPointer(start: fp_program_object(&size), count: Int(size)))
    #expect(!fresh.isEmpty)
    #expect(fresh == embedded, "bpf/ changed since the object was embedded (or the compiler did): scripts/embed-bpf.sh")
  }

  @Test func objectNamesNoPlaceOfTheBuilder() throws {
    var size: UInt64 = 0
    // As above.
    let embedded = unsafe Data(UnsafeBufferPointer(start: fp_program_object(&size), count: Int(size)))
    for path in ["/home/", "/root/", "/tmp/", "/work/", "/usr/"] {
      #expect(embedded.range(of: Data(path.utf8)) == nil, "\(path)")
    }
  }

  @Test func reasonsHaveOneNumberOnBothSides() {
    let pairs: [(steer_reason, SteerReason)] = [
      (STEER_ARP, .arp), (STEER_ETHERTYPE, .ethertype), (STEER_OTHER_MAC, .otherMAC), (STEER_MULTICAST, .multicast),
      (STEER_NEIGHBOR_DISCOVERY, .neighborDiscovery), (STEER_LINK_LOCAL, .linkLocal), (STEER_LOCAL, .local),
      (STEER_VISITOR, .visitor), (STEER_NOT_OURS, .notOurs),
      (STEER_DHCP, .dhcp), (STEER_MALFORMED, .malformed), (STEER_NO_SOCKET, .noSocket),
      (STEER_REDIRECTED, .redirected),
    ]
    for (number, reason) in pairs { #expect(number.rawValue == reason.rawValue, "\(reason.name)") }
    #expect(pairs.count == SteerReason.allCases.count)
    #expect(SteerReason.allCases.count == Int(STEER_REASONS))
    #expect(Set(SteerReason.allCases.map(\.name)).count == SteerReason.allCases.count)
    #expect(PortKinds.core.rawValue == UInt8(STEER_PORT_CORE))
    #expect(PortKinds.transport.rawValue == UInt8(STEER_PORT_TRANSPORT))
    #expect(PortKinds.access.rawValue == UInt8(STEER_PORT_ACCESS))
  }

  @Test func keysAreOctetsInNetworkOrder() {
    let prefix = fp_prefix_key(6, 0x2001_0db8_0100_0000, 0x0102_0304_0506_0708, 48)
    #expect(prefix.bits == 80)
    // Both structs are plain octets without padding, as steer_abi.h asserts.
    let octets = unsafe withUnsafeBytes(of: prefix.address) { unsafe Array($0) }
    #expect(octets == [6, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    let address = fp_address_key(4, 0, 0xffff_c633_6401)
    let octets4 = unsafe withUnsafeBytes(of: address) { unsafe Array($0) }
    #expect(octets4 == [4, 0, 0, 0, 198, 51, 100, 1] + [UInt8](repeating: 0, count: 12))
    let port = fp_port_value(3, 5, 0x0200_0000_0c02)
    let octetsOfPort = unsafe withUnsafeBytes(of: port) { unsafe Array($0.prefix(8)) }
    #expect(octetsOfPort == [2, 0, 0, 0, 0x0c, 2, 5, 0])
    #expect(port.index == 3)
  }
}
