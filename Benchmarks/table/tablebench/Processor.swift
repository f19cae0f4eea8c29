import CPin
import Glibc
import Synchronization

/// Time, and the CPU that the calling thread runs on.
enum Processor {
  /// A figure is taken over at least this long, in seconds.
  static let measured = 0.4

  static func seconds() -> Double {
    var now = timespec()
    // CLOCK_MONOTONIC always exists, so the call cannot fail.
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }

  static func sleep(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }

  /// Moves the calling thread to a CPU.
  static func pin(_ cpu: Int) throws {
    let status = pin_thread(Int32(cpu))
    if status < 0 { throw CannotPin(cpu: cpu, reason: -status) }
  }

  /// Million operations a second: one pass to warm up, then passes until `measured` is over.
  static func rate(_ operations: Int, _ pass: () -> UInt64) -> Double {
    sink.wrappingAdd(pass(), ordering: .relaxed)
    var passes = 0
    let start = seconds()
    var elapsed = 0.0
    repeat {
      sink.wrappingAdd(pass(), ordering: .relaxed)
      passes += 1
      elapsed = seconds() - start
    } while elapsed < measured
    return Double(passes * operations) / elapsed * 1e-6
  }

  /// Sums go here, so that no pass can be optimised away.
  private static let sink = Atomic<UInt64>(0)

  /// Octets of resident memory.
  static func residentBytes() -> Int {
    guard let file = unsafe fopen("/proc/self/smaps_rollup", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    // fgets writes at most the array's size and ends it with a zero.
    while unsafe fgets(&line, Int32(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self).split(separator: " ")
      if words.first == "Rss:", let kilobytes = words.dropFirst().first.flatMap({ Int($0) }) { return kilobytes * 1024 }
    }
    return 0
  }
}

struct CannotPin: Error, CustomStringConvertible {
  let cpu: Int
  let reason: Int32
  var description: String { "cannot run on CPU \(cpu): errno \(reason)" }
}
