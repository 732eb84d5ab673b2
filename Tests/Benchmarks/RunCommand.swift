import ArgumentParser
import Foundation

/// Runs the groups of benchmarks one after the other, prints their figures, and writes them as JSON.
///
/// A figure that misses its mark is printed as such, and is not an error.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the benchmarks; all groups, or those named.",
        discussion: "Groups: \(Benchmark.all.map(\.group).joined(separator: ", "))."
    )

    @Option(help: ArgumentHelp("Which groups to run, with commas between them.", valueName: "groups"))
    var only: String?

    @Option(help: ArgumentHelp("Where the figures are written as JSON.", valueName: "path"))
    var json: String = "bench.json"

    @Option(help: ArgumentHelp("Where they are written as a Markdown table.", valueName: "path"))
    var markdown: String?

    func validate() throws {
        for group in groups where !Benchmark.all.contains(where: { $0.group == group }) {
            throw ValidationError("There is no group '\(group)'.")
        }
    }

    private var groups: [String] {
        only?.split(separator: ",").map(String.init) ?? Benchmark.all.map(\.group)
    }

    func run() async throws {
        let report = Report()
        let machine = Machine()
        print(machine.description)
        for benchmark in Benchmark.all where groups.contains(benchmark.group) {
            let begun = ContinuousClock.now
            report.printLine("\n\(benchmark.group): \(benchmark.summary)")
            try await benchmark.run(report)
            report.printLine("  (\(FigureFormat.text(begun.duration(to: .now).seconds)) s)")
            try report.write(json: json, machine)
        }
        report.printLine("\n\(report.text)")
        if let markdown { try Data(report.markdown(machine).utf8).write(to: URL(filePath: markdown)) }
    }
}
