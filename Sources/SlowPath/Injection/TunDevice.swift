import Glibc
import SystemPackage

/// A TUN interface in the calling thread's network namespace; it goes when this value goes.
///
/// What is written to it enters the kernel as if received: IP packets without a header before them (IFF_NO_PI). It has
/// no address (but see `addDummyAddress`). At an anchor the pools are routed to it (`PoolRoutes`), and `OwnTraffic` reads
/// what comes. Elsewhere what the kernel still sends there (multicast listener reports) waits in the device's own bounded
/// queue, which nobody reads and which drops when full.
package struct TunDevice: ~Copyable {
  private let owned: OwnedDescriptor
  /// As the kernel named it, for example `fpk0`.
  package let name: String

  package var descriptor: Int32 { owned.number }

  /// Creates the interface, keeps the kernel from configuring it by itself, and brings it up.
  /// - Parameter pattern: a name with `%d`, for which the kernel puts the first free number.
  package init(pattern: String = "fpk%d") throws(InjectionError) {
    let (descriptor, name) = try Self.open(pattern)
    owned = OwnedDescriptor(descriptor)
    self.name = name
  }

  private static func open(_ pattern: String) throws(InjectionError) -> (Int32, String) {
    let owned = OwnedDescriptor(try openDevice())
    var request = InterfaceRequest(name: pattern)
    request.flags = TunFlag.tun | TunFlag.noPacketInformation
    guard request.call(owned.number, TunFlag.setInterface) else { throw .creation(Errno(rawValue: errno)) }
    let name = request.name
    let settings = InterfaceSettings(interface: name)
    settings.quieten()
    let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw failure(name, "configuration socket") }
    let control = OwnedDescriptor(number)
    if settings.filtersReversePaths { try addDummyAddress(name, control.number) }
    try bringUp(name, control.number)
    return (owned.release(), name)
  }

  private static func openDevice() throws(InjectionError) -> Int32 {
    do {
      return try FileDescriptor.open(FilePath("/dev/net/tun"), .readWrite, options: [.nonBlocking, .closeOnExec])
        .rawValue
    } catch let error as Errno {
      throw .device(error)
    } catch {
      throw .device(.ioError)
    }
  }

  private static func bringUp(_ name: String, _ control: Int32) throws(InjectionError) {
    var request = InterfaceRequest(name: name)
    guard request.call(control, UInt(SIOCGIFFLAGS)) else { throw failure(name, "flags") }
    request.flags |= UInt16(IFF_UP)
    guard request.call(control, UInt(SIOCSIFFLAGS)) else { throw failure(name, "flags (up)") }
  }

  /// Gives the interface 192.0.0.8/32, the IPv4 dummy address (RFC 7600 section 4.8). Loose reverse path filtering
  /// refuses everything on an interface without any IPv4 address (`no_addr` in __fib_validate_source,
  /// net/ipv4/fib_frontend.c; seen on 6.18), so where the namespace filters, there must be one.
  private static func addDummyAddress(_ name: String, _ control: Int32) throws(InjectionError) {
    var request = InterfaceRequest(name: name)
    request.setAddress(192, 0, 0, 8)
    guard request.call(control, UInt(SIOCSIFADDR)) else { throw failure(name, "address 192.0.0.8") }
  }

  private static func failure(_ name: String, _ what: String) -> InjectionError {
    .configuration(interface: name, what: what, Errno(rawValue: errno))
  }
}

/// linux/if_tun.h.
private enum TunFlag {
  static let tun: UInt16 = 0x0001
  static let noPacketInformation: UInt16 = 0x1000
  /// TUNSETIFF, `_IOW('T', 202, int)`.
  static let setInterface: UInt = 0x4004_54ca
}

/// `struct ifreq`: 16 octets of name, then a union of which the flags are used here; 40 octets in all on 64-bit Linux.
private struct InterfaceRequest {
  private static let nameOctets = 16
  private var octets = [UInt8](repeating: 0, count: 40)

  /// Keeps the first 15 octets of the name; the kernel requires the 16th to be zero.
  init(name: String) {
    for (index, octet) in name.utf8.prefix(Self.nameOctets - 1).enumerated() { octets[index] = octet }
  }

  var name: String { String(decoding: octets.prefix(Self.nameOctets).prefix { $0 != 0 }, as: UTF8.self) }

  /// Host order, which is little-endian on the machines this runs on.
  var flags: UInt16 {
    get { UInt16(octets[16]) | UInt16(octets[17]) << 8 }
    set {
      octets[16] = UInt8(truncatingIfNeeded: newValue)
      octets[17] = UInt8(truncatingIfNeeded: newValue >> 8)
    }
  }

  /// Puts a `sockaddr_in` into the union: family in host order, no port, the address.
  mutating func setAddress(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    octets.replaceSubrange(16..<24, with: [UInt8(AF_INET), 0, 0, 0, a, b, c, d])
  }

  /// - Returns: false with `errno` set if the call failed.
  mutating func call(_ descriptor: Int32, _ request: UInt) -> Bool {
    // The 40 octets of `struct ifreq` that every interface request reads and writes at most.
    unsafe octets.withUnsafeMutableBytes { room in
      guard let start = room.baseAddress else { return false }
      return unsafe ioctl(descriptor, request, start) >= 0
    }
  }
}
