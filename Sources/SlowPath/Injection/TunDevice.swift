import Glibc
import SystemPackage

/// A TUN interface in the calling thread's network namespace; it goes when this value goes.
///
/// What is written to it enters the kernel as if received: IP packets without a header before them (IFF_NO_PI). It has
/// no address and nothing is routed to it. What the kernel still sends there (multicast listener reports) waits in the
/// device's own bounded queue, which nobody reads and which drops when full.
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
    InterfaceSettings(interface: name).quieten()
    try bringUp(name)
    return (owned.release(), name)
  }

  private static func openDevice() throws(InjectionError) -> Int32 {
    do {
      return try FileDescriptor.open(FilePath("/dev/net/tun"), .readWrite, options: [.nonBlocking, .closeOnExec]).rawValue
    } catch let error as Errno {
      throw .device(error)
    } catch {
      throw .device(.ioError)
    }
  }

  private static func bringUp(_ name: String) throws(InjectionError) {
    let failed = { (what: String) in
      InjectionError.configuration(interface: name, what: what, Errno(rawValue: errno))
    }
    let number = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw failed("a configuration socket") }
    let control = OwnedDescriptor(number)
    var request = InterfaceRequest(name: name)
    guard request.call(control.number, UInt(SIOCGIFFLAGS)) else { throw failed("flags") }
    request.flags |= UInt16(IFF_UP)
    guard request.call(control.number, UInt(SIOCSIFFLAGS)) else { throw failed("flags (up)") }
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

  /// - Returns: false with `errno` set if the call failed.
  mutating func call(_ descriptor: Int32, _ request: UInt) -> Bool {
    // The 40 octets of `struct ifreq` that every interface request reads and writes at most.
    unsafe octets.withUnsafeMutableBytes { room in
      guard let start = room.baseAddress else { return false }
      return unsafe ioctl(descriptor, request, start) >= 0
    }
  }
}
