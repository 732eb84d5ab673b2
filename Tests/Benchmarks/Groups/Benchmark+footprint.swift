import Foundation
import PreviewControl
import TestPeers

extension Benchmark {
    /// The CPU time and memory of a replica with many previews.
    ///
    /// The API server is a separate process, so its CPU time does not count. The memory is that of `preview-gateway
    /// serve`.
    static let footprint = Benchmark(group: "footprint", summary: "CPU time and memory of 10,000 previews") { report in
        try await DevelopmentCluster.with { cluster in
            try await FootprintBenchmark(cluster: cluster, report: report).run()
        }
        try await DevelopmentCluster.with { cluster in
            try await FootprintBenchmark(cluster: cluster, report: report).relist()
        }
    }
}

private struct FootprintBenchmark: Sendable {
    let cluster: any BenchCluster
    let report: Report

    private static let previews = 10_000
    private static let relists = 5
    private static let runsOfRelist = 10
    private static let sweeps = 9
    /// The time without requests before the memory of a service is measured.
    private static let rest = Duration.seconds(12)

    func run() async throws {
        let base = try await residentBytes()
        add("memory.base", base / 1e6, "MB", atMost: 38)
        let runs = try await Platform(cluster).addRuns(0..<(Self.previews / Population.previewsPerRun))
        let withRuns = try await residentBytes()
        try await Population(Self.previews, of: runs).create(Replica(cluster).objects)
        let withPreviews = try await residentBytes()
        add("memory.per_preview", (withPreviews - withRuns) / Double(Self.previews) / 1000, "KB", atMost: 1.5)
        report.add(
            Measurement(
                "memory.per_run",
                on: cluster.place,
                "\(FigureFormat.text(Double(runs.count))) claims, Sandboxes and pods",
                value: (withRuns - base) / Double(runs.count) / 1000,
                unit: "KB"
            )
        )

        let replica = try Replica(cluster)
        let sweeps = try await replica.whileWatching {
            var sweeps: [Double] = []
            for _ in 0..<Self.sweeps {
                sweeps.append(try await ProcessUsage.cpuSeconds { try await replica.reaper.sweep() })
            }
            return sweeps
        }
        add("sweep.cpu", sweeps.median * 1000, "ms", atMost: 20)
    }

    /// Lists, decodes and indexes routes. They belong to few runs, so that hardly anything else is listed.
    func relist() async throws {
        let runs = try await Platform(cluster).addRuns(0..<Self.runsOfRelist)
        try await Population(Self.previews, of: runs).createRoutes(Replica(cluster).objects)
        var relists: [Double] = []
        for _ in 0..<Self.relists {
            let replica = try Replica(cluster)
            relists.append(try await ProcessUsage.cpuSeconds { try await replica.fill() })
        }
        add("relist.cpu", relists.median, "s", atMost: 0.6)
    }

    private func add(_ name: String, _ value: Double, _ unit: String, atMost bound: Double) {
        let isAboutPreviews = name != "memory.base"
        report.add(
            Measurement(
                name,
                on: cluster.place,
                isAboutPreviews ? "\(FigureFormat.text(Double(Self.previews))) previews" : "idle",
                value: value,
                unit: unit,
                target: .atMost(bound)
            )
        )
    }

    private func residentBytes() async throws -> Double {
        try await ServiceProcess.with(1, on: cluster) { services in
            try await Task.sleep(for: Self.rest)
            return try ProcessUsage.residentBytes(of: services[0].processID)
        }
    }
}
