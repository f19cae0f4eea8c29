import ArgumentParser
import ControlProtocol
import FastpathClient
import RecordText

struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Applies a file of records.",
    discussion: """
      The whole file is checked, here and by the daemon, before anything is applied. With --replace the tables then \
      become what the file says, in one moment, or stay as they are. Without it, up to \(LoadFrames.recordsPerFrame) \
      records are applied all or nothing; a longer file goes in frames of that many, each all or nothing, in order: \
      when the tables have no room for one, its line is named and the frames before it stay applied.
      """)

  @OptionGroup var options: GlobalOptions

  @Argument(help: "NDJSON file, or - for standard input.")
  var file: String

  @Flag(help: "Make the file the whole content of all tables, all or nothing.")
  var replace = false

  func run() throws {
    let frames = try LoadFrames(try FileInput.read(file))
    let daemon = try Daemon(options)
    let outcome = replace ? try Self.replace(with: frames, daemon) : try Self.apply(frames, daemon)
    var members = [("records", frames.records), ("applied", Int(outcome.applied))]
    members.append(("unchanged", Int(outcome.unchanged)))
    if replace { members.append(("removed", Int(outcome.removed))) }
    if options.json {
      let values = members.map { ($0.0, "\($0.1)") } + [("generation", "\(outcome.generation)")]
      print(JSONText.object(values))
    } else {
      let words = members.dropFirst().map { "\($0.0) \($0.1)" } + ["generation \(outcome.generation)"]
      print(words.joined(separator: ", "))
    }
  }

  /// Sends the frames, each when the one before is applied: nothing behind a refused frame may be.
  private static func apply(_ file: LoadFrames, _ daemon: Daemon) throws(CommandFailure) -> Outcome {
    try check(file, daemon)
    var total = Outcome(generation: daemon.connection.hello.generation)
    var done = 0
    let progress = LoadProgress("applied", of: file.records)
    for frame in file.frames {
      do throws(ClientError) {
        let outcome = try daemon.connection.outcome(frame: frame.octets)
        total.applied += outcome.applied
        total.unchanged += outcome.unchanged
        total.generation = outcome.generation
      } catch {
        progress.finish()
        if done > 0 { Output.complain("the first \(done) records of the file are applied") }
        throw CommandFailure(error) { file.line(ofRecord: done + $0) }
      }
      done += frame.records
      progress.advance(by: frame.records)
    }
    progress.finish()
    return total
  }

  /// Has the daemon check every record of a file of several frames before the first of them is applied: in transactions
  /// that are aborted, each of a few frames, so that it never has much aside. A single frame is all or nothing by itself.
  private static func check(_ file: LoadFrames, _ daemon: Daemon) throws(CommandFailure) {
    guard file.frames.count > 1, daemon.connection.hello.minor >= 1 else { return }
    let progress = LoadProgress("accepted", of: file.records)
    defer { progress.finish() }
    for start in stride(from: 0, to: file.frames.count, by: framesChecked) {
      let frames = start..<min(start + framesChecked, file.frames.count)
      try transact(frames, of: file, daemon, progress) { (transaction) throws(TransactionError) in
        try transaction.abort()
      }
    }
  }

  private static let framesChecked = 16

  /// One transaction: the daemon checks and lays aside frame by frame, and publishes at its end.
  private static func replace(with file: LoadFrames, _ daemon: Daemon) throws(CommandFailure) -> Outcome {
    guard daemon.connection.hello.minor >= 1 else { throw unserved }
    let progress = LoadProgress("sent", of: file.records)
    defer { progress.finish() }
    return try transact(file.frames.indices, of: file, daemon, progress) { (transaction) throws(TransactionError) in
      try transaction.commit()
    }
  }

  /// Sends frames of the file as a transaction that `end` ends.
  private static func transact<Answer>(
    _ frames: Range<Int>, of file: LoadFrames, _ daemon: Daemon, _ progress: LoadProgress,
    end: (consuming ReplaceTransaction) throws(TransactionError) -> Answer
  ) throws(CommandFailure) -> Answer {
    do throws(TransactionError) {
      var transaction = try ReplaceTransaction(on: daemon.connection)
      for frame in file.frames[frames] {
        try transaction.upsert(frame: frame.octets, records: frame.records, checksum: frame.checksum)
        progress.advance(by: frame.records)
      }
      return try end(transaction)
    } catch {
      // A record of a kind that is not served has an index.
      if case .refused(.unsupported, let outcome) = error.cause, outcome.firstFailure?.index == nil { throw unserved }
      let first = frames.lowerBound * LoadFrames.recordsPerFrame + Int(error.firstRecord)
      throw CommandFailure(error.cause) { file.line(ofRecord: first + $0) }
    }
  }

  private static let unserved = CommandFailure.refused(
    "the daemon does not serve --replace, and its tables are as they were: load without it (entries that are not in the "
      + "file stay), or use a newer fastpathd")
}
