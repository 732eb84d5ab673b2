import Foundation
import HTTPTypes
import PreviewCluster
import PreviewControl
import PreviewDomain
import TestPeers

extension Benchmark {
    /// Many previews that expire at the same instant: the service's cost compared with that of the bare deletes.
    static let burst = Benchmark(group: "burst", summary: "10,000 previews that expire at once, and bare deletes") {
        report in
        try await onEachCluster { cluster in
            try await BurstBenchmark(cluster: cluster, report: report).run()
        }
    }
}

private struct BurstBenchmark: Sendable {
    let cluster: any BenchCluster
    let report: Report

    /// The number of deletions that a replica sends at the same time (`ReapExecution.maxConcurrentDeletions`).
    private static let concurrency = 10
    /// The time for a replica to take in what was created, in seconds.
    private static let lead = 3.0

    func run() async throws {
        // A real cluster takes minutes to create 10,000.
        let (previews, rounds) = cluster is RealCluster ? (1_000, 2) : (10_000, 2)
        let runs = try await Platform(cluster).addRuns(0..<(previews / Population.previewsPerRun))
        var reaped: [Double] = []
        var bare: [Double] = []
        for _ in 0..<rounds {
            let (deletion, creation) = try await deleteBare(previews, runs)
            bare.append(deletion)
            reaped.append(try await reap(previews, runs, creation: creation))
        }
        report.add(
            .ratio(
                "reap.burst",
                on: cluster.place,
                "\(FigureFormat.text(Double(previews))) previews",
                of: .init(name: "reaped", value: reaped.median, unit: "s"),
                to: .init(name: "bare", value: bare.median, unit: "s"),
                target: .atMost(1.2)
            )
        )
    }

    /// - Parameter creation: The approximate time to create the previews, in seconds.
    /// - Returns: The seconds from the deadline to the last deletion.
    private func reap(_ count: Int, _ runs: [Platform.Run], creation: Double) async throws -> Double {
        let objects = try Replica(cluster).objects
        return try await ServiceProcess.with(1, on: cluster) { _ in
            let deadline = Date().addingTimeInterval(creation * 1.5 + Self.lead)
            let population = try Population(count, of: runs, expiry: { _ in deadline })
            try await population.create(objects)
            guard Date() < deadline else { throw NotInTime(what: "the previews to be there before they expire") }
            return try await lastDeletion(of: population) - deadline.timeIntervalSince1970
        }
    }

    /// Sends the requests that the deletion of the same number of previews needs.
    ///
    /// The collections are watched here too, because the API server's work for watches is not that of the service.
    ///
    /// - Returns: The seconds from the first request to the last deletion, and the seconds to create the previews.
    private func deleteBare(
        _ count: Int,
        _ runs: [Platform.Run]
    ) async throws -> (deletion: Double, creation: Double) {
        let objects = try Replica(cluster).objects
        let population = try Population(count, of: runs)
        let creationBegun = ContinuousClock.now
        try await population.create(objects)
        let creation = creationBegun.duration(to: .now).seconds
        let tokens = Set(population.tokens)
        let routes = try await objects.routes().filter { tokens.contains($0.token) }
        let services = Dictionary(uniqueKeysWithValues: try await objects.backends().map { ($0.token, $0.uid) })
        let client = try BareClient(cluster)
        let begun = try await client.whileWatching([PreviewPath.routes, PreviewPath.services]) {
            let begun = Date().timeIntervalSince1970
            try await forEach(routes, concurrency: Self.concurrency) { route in
                try await client.send(
                    .delete,
                    PreviewPath.route(route.token),
                    options(#""uid":"\#(route.uid)","resourceVersion":"\#(route.resourceVersion)""#)
                )
                try await client.send(
                    .delete,
                    PreviewPath.service(route.token),
                    options(#""uid":"\#(services[route.token] ?? "")""#)
                )
            }
            return begun
        }
        return (try await lastDeletion(of: population) - begun, creation)
    }

    private func options(_ preconditions: String) -> String {
        #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{\#(preconditions)}}"#
    }

    /// The instant of the last deletion of the previews' objects, in seconds since 1970.
    ///
    /// Waiting must cost little, because it uses the measured machine: the deletions themselves are requested once,
    /// when nothing is left.
    private func lastDeletion(of population: Population) async throws -> Double {
        let client = try BareClient(cluster)
        let names = population.tokens.map(\.objectName)
        var last = 0.0
        for (resource, path) in [("httproutes", PreviewPath.routes), ("services", PreviewPath.services)] {
            try await wait(for: "all \(resource) to be gone", atMost: .seconds(600), every: .milliseconds(500)) {
                let list = try await client.send(.get, "\(path)?limit=1")
                return try JSONDecoder().decode(List.self, from: Data(list)).items.isEmpty
            }
            try await wait(for: "all deletions of \(resource) to be on record", every: .seconds(1)) {
                let deleted = try cluster.deletions(of: resource)
                let instants = names.compactMap { deleted[$0] }
                last = max(last, instants.max() ?? 0)
                return instants.count == names.count
            }
        }
        return last
    }

    /// A list of which only matters whether it is empty.
    private struct List: Decodable {
        struct Item: Decodable {}

        let items: [Item]
    }
}
