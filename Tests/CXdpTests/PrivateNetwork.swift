import CXdp
import Foundation

/// A network namespace for the length of a call: its interfaces vanish with the thread's stay, whatever ends it, so that
/// a failed or killed test leaves nothing behind. Needs root.
enum PrivateNetwork {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Runs `body` with the calling thread in a new network namespace whose loopback is up.
  ///
  /// `body` starts no threads, which would stay there, and does not suspend, so that no other task ever sees the
  /// namespace.
  static func run<Result>(_ body: () throws -> Result) throws -> Result {
    let before = fp_unshare_network()
    guard before >= 0 else {
      throw Failure(description: "no new network namespace (\(before)): these tests run as root")
    }
    defer {
      precondition(fp_enter_network(before) == 0, "a thread is lost in its private network")
      close(before)
    }
    // The kernel's own neighbour and group messages would mix with the frames under test.
    try command("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
    try command("ip link set lo up")
    return try body()
  }

  /// Runs a shell command in the calling thread's namespace: a child starts where the thread that made it is.
  /// (Foundation's `Process` would start service threads, see above.)
  static func command(_ line: String) throws {
    var child: pid_t = 0
    let words = ["/bin/sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; \(line)"]
    // strdup'ed strings live until freed below; posix_spawn copies what it needs before it returns.
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    let failure = unsafe posix_spawn(&child, "/bin/sh", nil, nil, &arguments, environ)
    guard failure == 0 else { throw Failure(description: "'\(line)' did not start: errno \(failure)") }
    var status: Int32 = 0
    while unsafe waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw Failure(description: "'\(line)' was not waited for: errno \(errno)") }
    }
    guard status == 0 else { throw Failure(description: "'\(line)' ended with wait status \(status)") }
  }

  /// A pair of Ethernet interfaces joined back to back, both up.
  static func joinedPair(_ first: String, _ second: String) throws {
    try command("ip link add \(first) type veth peer name \(second)")
    try command("ip link set \(first) up && ip link set \(second) up")
  }
}
