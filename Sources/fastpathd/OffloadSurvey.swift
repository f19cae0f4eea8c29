import Glibc

/// Offloads of an interface that hurt a forwarding plane, asked through ethtool's ioctl; changes nothing.
struct OffloadSurvey {
  /// Legacy get commands of linux/ethtool.h, whose answer is one 32-bit value.
  private enum Question: UInt32 {
    case segmentation = 0x1e  // ETHTOOL_GTSO
    case receiveAggregation = 0x2b  // ETHTOOL_GGRO
    case flags = 0x25  // ETHTOOL_GFLAGS
  }

  private static let receiveVLAN: UInt32 = 1 << 8  // ETH_FLAG_RXVLAN
  private static let largeReceive: UInt32 = 1 << 15  // ETH_FLAG_LRO
  private static let ethtoolRequest: UInt = 0x8946  // SIOCETHTOOL

  /// One sentence with its remedy for each offload that hurts; empty when all is well or the driver does not say.
  static func warnings(_ port: PortFacts) -> [String] {
    var warnings: [String] = []
    let interface = port.interface
    if port.mac != port.interfaceMAC {
      warnings.append(
        "port \(port.name) uses \(port.mac), but \(interface) has \(port.interfaceMAC): the kernel's own packets there carry "
          + "the other address; run `ip link set \(interface) address \(port.mac)`")
    }
    let flags = ask(.flags, interface) ?? 0
    if flags & largeReceive != 0 {
      warnings.append(
        "\(interface): LRO merges packets before they can be forwarded; run `ethtool -K \(interface) lro off`")
    }
    if flags & receiveVLAN != 0 && port.kinds.contains(.access) {
      warnings.append(
        "\(interface): rx-vlan-offload hides VLAN tags from the plane; run `ethtool -K \(interface) rxvlan off`")
    }
    if (ask(.receiveAggregation, interface) ?? 0) != 0 && port.driver != "veth" {
      warnings.append(
        "\(interface): GRO merges what the kernel forwards for this plane; run `ethtool -K \(interface) gro off`")
    }
    if ["veth", "virtio_net", "tun", "tap"].contains(port.driver) {
      warnings.append(
        "\(interface) (\(port.driver)): its peer may leave checksums unfinished, which TCP and UDP do not survive; turn "
          + "tx checksumming off at the peer (`ethtool -K PEER tx off`)")
    }
    return warnings
  }

  private static func ask(_ question: Question, _ interface: String) -> UInt32? {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var value = (command: question.rawValue, data: UInt32(0))
    // `struct ifreq`: 16 octets of name (the last one zero), then a pointer to `struct ethtool_value`, whose layout the
    // pair of words has; 40 octets in all. Both live for the call.
    let result = unsafe withUnsafeMutablePointer(to: &value) { value in
      var request = [UInt8](repeating: 0, count: 40)
      for (position, octet) in interface.utf8.prefix(15).enumerated() { request[position] = octet }
      return unsafe request.withUnsafeMutableBytes { room in
        guard let start = room.baseAddress else { return Int32(-1) }
        unsafe room.storeBytes(of: UInt(bitPattern: value), toByteOffset: 16, as: UInt.self)
        return unsafe ioctl(descriptor, ethtoolRequest, start)
      }
    }
    return result >= 0 ? value.data : nil
  }
}
