import Foundation
import HTTPTransport
import HTTPTypes
import PreviewControl
import PreviewDomain
import TestPeers

extension Benchmark {
    /// The service's cost in addition to the requests of a start.
    static let start = Benchmark(group: "start", summary: "a start, and its requests sent bare") { report in
        try await onEachCluster { cluster in
            try await StartBenchmark(cluster: cluster, report: report).run()
        }
    }
}

private struct StartBenchmark: Sendable {
    let cluster: any BenchCluster
    let report: Report

    /// The number of other previews that the default limit allows.
    private static let others = 19
    private static let warmUps = 20

    func run() async throws {
        let iterations = cluster is RealCluster ? 100 : 400
        let runs = try await Platform(cluster).addRuns(0..<2)
        try await Population(Self.others, of: runs).create(Replica(cluster).objects)
        let recorder = RequestRecorder()
        let replica = try Replica(cluster) { RecordingTransport($0, recorder) }
        let bare = try BareClient(cluster)
        let run = runs[0].id
        let (starts, requests) = try await replica.whileWatching {
            var template = PreviewToken.placeholder
            let recorded = try await recorder.requests {
                template = try await replica.previews.start(run: run, port: 3000, requester: "ada").session.token
            }
            try await delete(template, bare)
            var starts: [Double] = []
            var requests: [Double] = []
            for iteration in 0..<(iterations + Self.warmUps) {
                let begun = ContinuousClock.now
                let token = try await replica.previews.start(run: run, port: 3000, requester: "ada").session.token
                let start = begun.duration(to: .now)
                try await delete(token, bare)
                let other = try Population(1, of: runs).tokens[0]
                let same = recorded.map { $0.replacing([template.text: other.text]) }
                let begunBare = ContinuousClock.now
                for request in same { try await bare.send(request) }
                let plain = begunBare.duration(to: .now)
                try await delete(other, bare)
                guard iteration >= Self.warmUps else { continue }
                starts.append(start.seconds * 1000)
                requests.append(plain.seconds * 1000)
            }
            return (starts, requests)
        }
        report.add(
            .ratio(
                "start.ratio",
                on: cluster.place,
                of: .init(name: "start", value: starts.median, unit: "ms"),
                to: .init(name: "bare", value: requests.median, unit: "ms"),
                target: .atMost(1.3)
            )
        )
    }

    private func delete(_ token: PreviewToken, _ bare: BareClient) async throws {
        try await bare.send(.delete, PreviewPath.route(token))
        try await bare.send(.delete, PreviewPath.service(token))
    }
}

/// The paths of the previews' objects in the API.
enum PreviewPath {
    static let routes = "/apis/gateway.networking.k8s.io/v1/namespaces/\(benchNamespace)/httproutes"
    static let services = "/api/v1/namespaces/\(benchNamespace)/services"

    static func route(_ token: PreviewToken) -> String { "\(routes)/\(token.objectName)" }

    static func service(_ token: PreviewToken) -> String { "\(services)/\(token.objectName)" }
}
