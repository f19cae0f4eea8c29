import Foundation
import Glibc
import SlowPath
import Synchronization

/// A command that did not do what a test needs.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
}

/// Runs a command line and returns its standard output.
@discardableResult
func run(_ command: String) throws -> String {
  let process = Process()
  let output = Pipe()
  let errors = Pipe()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", command]
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  let text = output.fileHandleForReading.readDataToEndOfFile()
  let complaint = errors.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw CommandFailure(
      description: "`\(command)` ended with \(process.terminationStatus): \(String(decoding: complaint, as: UTF8.self))"
    )
  }
  return String(decoding: text, as: UTF8.self)
}

/// A network namespace of the test's own, gone with the value (also when the test fails).
struct Namespace: ~Copyable {
  private static let count = Atomic<Int>(0)
  let name: String

  init() throws {
    name = "fp-slow-\(getpid())-\(Self.count.add(1, ordering: .relaxed).newValue)"
    try run("ip netns add \(name) && ip -n \(name) link set lo up")
  }

  deinit {
    // Nothing can be done about a failure here, and the next test uses another name.
    _ = try? run("ip netns del \(name)")
  }

  /// Runs `ip ARGUMENTS` inside.
  @discardableResult
  func ip(_ arguments: String) throws -> String { try run("ip -n \(name) \(arguments)") }

  /// Runs a command inside.
  @discardableResult
  func execute(_ command: String) throws -> String { try run("ip netns exec \(name) \(command)") }

  /// Feeds many `ip` commands at once.
  func batch(_ lines: [String]) throws {
    let file = "/tmp/\(name).batch"
    try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
    defer { unsafe unlink(file) }
    try ip("-force -batch \(file)")
  }

  /// Runs `body` on a thread that has entered the namespace; sockets it opens stay there.
  func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let path = "/run/netns/\(name)"
    let result = Mutex<Result<Value, any Error>?>(nil)
    let outcome = Outcome(result)
    let thread = try NamedThread(name: "fp-test") {
      outcome.set(
        Result {
          let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
          guard descriptor >= 0, enterNamespace(descriptor) == 0 else {
            throw CommandFailure(description: "cannot enter \(path): errno \(errno)")
          }
          close(descriptor)
          return try body()
        })
    }
    thread.join()
    return try outcome.get()
  }
}

/// Carries a thread's result to the one that waits for it.
private final class Outcome<Value: Sendable>: Sendable {
  private let result: Mutex<Result<Value, any Error>?>

  init(_ result: consuming Mutex<Result<Value, any Error>?>) { self.result = result }

  func set(_ value: Result<Value, any Error>) { result.withLock { $0 = value } }

  func get() throws -> Value {
    guard let result = result.withLock({ $0 }) else { throw CommandFailure(description: "the thread did not run") }
    return try result.get()
  }
}

/// setns(2), which glibc's Swift module does not declare.
private func enterNamespace(_ descriptor: Int32) -> Int32 {
  typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
  // glibc exports `int setns(int, int)`; nil as handle searches the whole process.
  guard let symbol = unsafe dlsym(nil, "setns") else { return -1 }
  return unsafe unsafeBitCast(symbol, to: SetNamespace.self)(descriptor, 0)
}

/// Waits until `condition` holds, looking every few milliseconds; false after `seconds`.
func eventually(within seconds: Double = 10, _ condition: () throws -> Bool) rethrows -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  repeat {
    if try condition() { return true }
    usleep(5000)
  } while ContinuousClock.now < end
  return try condition()
}
