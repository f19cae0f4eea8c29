import ControlProtocol
import FastpathClient
import RecordText

/// The daemon that a command talks to, with failures in the command's words.
struct Daemon {
  let connection: DaemonConnection

  /// - Parameter owner: of what the command sets; the command line's is 0.
  init(_ options: GlobalOptions, owner: UInt32 = 0) throws(CommandFailure) {
    do throws(ClientError) {
      connection = try DaemonConnection(path: options.socketPath, owner: owner, name: "fastpathctl")
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Does something with the connection.
  ///
  /// - Parameter line: as `CommandFailure` wants it.
  func ask<Answer>(
    line: (Int) -> Int? = { _ in nil }, _ body: (DaemonConnection) throws(ClientError) -> Answer
  ) throws(CommandFailure) -> Answer {
    do throws(ClientError) {
      return try body(connection)
    } catch {
      throw CommandFailure(error, line: line)
    }
  }

  /// Sends an atomic UPSERT or DELETE that must fit one frame.
  func apply(_ request: Request, lines: [Int]) throws(CommandFailure) -> Outcome {
    let limits = connection.hello.limits
    let refusal = CommandFailure.refused(
      "\(lines.count) records do not fit one all-or-nothing frame "
        + "(\(limits.recordsPerFrame) records, \(limits.payloadOctets) octets): use load, or several calls")
    guard lines.count <= limits.recordsPerFrame else { throw refusal }
    do throws(ClientError) {
      return try connection.outcome(request, flags: .atomic)
    } catch .tooLarge {
      throw refusal
    } catch {
      throw CommandFailure(error) { lines.indices.contains($0) ? lines[$0] : nil }
    }
  }
}

extension RecordLines {
  /// Arguments of `set` and `delete`: records, or a lone `-` for NDJSON on standard input.
  init(argumentsOrInput arguments: [String], _ convert: Conversion) throws(CommandFailure) {
    let isInput = arguments.contains("-")
    guard !isInput || arguments.count == 1 else {
      throw .refused("\"-\" (standard input) cannot be mixed with records as arguments")
    }
    let input = isInput ? try FileInput.readStandardInput() : []
    do throws(RecordLineError) {
      try self.init(isInput ? .text(input) : .arguments(arguments), convert)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// NDJSON of a whole file.
  init(file: String, _ convert: Conversion) throws(CommandFailure) {
    let octets = try FileInput.read(file)
    do throws(RecordLineError) { try self.init(.text(octets), convert) } catch { throw CommandFailure(error) }
  }
}
