import Foundation
import Synchronization

/// Collects the figures of one run and prints each as soon as it is known.
final class Report: Sendable {
    private struct Document: Encodable {
        let machine: Machine
        let measurements: [Measurement]
    }

    private let figures = Mutex<[Measurement]>([])

    private var measurements: [Measurement] { figures.withLock { $0 } }

    func add(_ measurement: Measurement) {
        figures.withLock { $0.append(measurement) }
        printLine("  \(FigureTable.line(measurement))")
    }

    /// Prints a line that is not a figure.
    func printLine(_ text: String) {
        print(text)
        fflush(nil)
    }

    /// All figures as a plain text table.
    var text: String { FigureTable(measurements).text }

    /// All figures as a Markdown table, with the machine above it.
    func markdown(_ machine: Machine) -> String {
        "\(machine.markdown)\n\n\(FigureTable(measurements).markdown)\n"
    }

    func write(json path: String, _ machine: Machine) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try encoder.encode(Document(machine: machine, measurements: measurements)).write(to: url)
    }
}
