import Foundation
import Synchronization

/// A second process of this program that serves something, so that its CPU time and memory are not counted with those
/// of the measured code.
///
/// The two communicate over the child's standard input and output: a line with a question, and a line of JSON as the
/// answer. The child ends when its input closes.
final class ChildServer: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let running: Mutex<RunningProcess>

    /// Starts a subcommand of this program.
    init(_ arguments: [String]) throws {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
        running = Mutex(try RunningProcess(program, arguments))
    }

    deinit { stop() }

    /// Sends a question to the child; `nil` reads a line that the child sends without a question.
    func ask<Answer: Decodable & Sendable>(_ question: String?, for type: Answer.Type = Answer.self) throws -> Answer {
        try running.withLock { running in
            if let question { try running.write("\(question)\n") }
            guard let line = running.readLine() else { throw Failure(description: "a server has ended") }
            return try JSONDecoder().decode(Answer.self, from: line)
        }
    }

    var isRunning: Bool { running.withLock { $0.process.isRunning } }

    /// Closes the child's input and waits for its end.
    func stop() { running.withLock { $0.stop() } }
}

/// A process with pipes.
private struct RunningProcess {
    let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()

    init(_ program: String, _ arguments: [String]) throws {
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    func write(_ text: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }

    mutating func readLine() -> Data? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread = Data(unread[unread.index(after: end)...]) }
                return Data(unread[..<end])
            }
            let chunk = output.fileHandleForReading.availableData
            guard !chunk.isEmpty else { return nil }
            unread += chunk
        }
    }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
