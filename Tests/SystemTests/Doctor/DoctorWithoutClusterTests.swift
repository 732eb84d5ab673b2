import ArgumentParser
import Basics
import Foundation
import KubernetesClient
import TestPeers
import TestSupport
import Testing

@testable import PreviewCommands

/// Tests `doctor` if the API server does not answer.
@Suite("doctor without a cluster", .timeLimit(.minutes(1)))
struct DoctorWithoutClusterTests {
    /// An address on which nothing listens.
    private static let nobody = "http://127.0.0.1:1"

    private func context(_ server: String) throws -> DoctorContext {
        try DoctorContext(
            DoctorBundleCommand.parse([]).options,
            environment: ["Sandbox__Preview__ZoneSuffix": "preview.example.com"],
            { ClusterConfiguration(server: try BaseURL(server)) },
            ScriptedTransport(clock: ManualClock(), []),
            resolve: { _ in [] },
            probes: .system
        )
    }

    private func doctor(_ arguments: [String] = [], server: String = nobody) async throws -> DoctorReport {
        await (try DoctorCommand.parse(arguments)).report(try context(server))
    }

    @Test func theAddressAndTheCauseAreReportedAndTheOtherChecksAreSkipped() async throws {
        let report = try await doctor()
        let finding = try #require(report.entries.first?.finding)
        #expect(report.entries.map(\.check.id) == DoctorCheck.all.map(\.id))
        #expect(finding.status == .failure)
        #expect(finding.detail.hasPrefix("the API server at \(Self.nobody) cannot be reached: Failed to connect"))
        #expect(report.entries.dropFirst().allSatisfy { $0.finding.status == .skipped }, "\(report.text)")
        #expect(report.exitCode == 2)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
        #expect(document["exit_code"] as? Int == 2)
        #expect((document["checks"] as? [[String: Any]])?.count == DoctorCheck.all.count)
    }

    @Test func aCheckThatNeedsTheClusterDoesNotPassWithoutIt() async throws {
        let report = try await doctor(["--only", "PG701", "--skip", "PG101"])
        #expect(report.entries.map(\.check.id) == ["PG101", "PG701"])
        #expect(report.entries.map(\.finding.status) == [.failure, .skipped])
    }

    @Test func checksOfTheCoreAPIAloneSendNothingToTheCluster() async throws {
        try await RawPeer.run { _, _ in
            .json(503, "")
        } _: { peer in
            let report = try await doctor(["--only", "PG601"], server: "http://\(peer.authority)")
            #expect(report.entries.map(\.check.id) == ["PG601"])
            #expect(peer.heads.isEmpty)
        }
    }

    @Test func anAPIServerThatDoesNotWorkGetsOneRequest() async throws {
        try await RawPeer.run { _, _ in
            .json(503, "")
        } _: { peer in
            let report = try await doctor(server: "http://\(peer.authority)")
            let detail = report.entries.first?.finding.detail
            #expect(detail == "the API server at http://\(peer.authority) does not work: it answers 503")
            #expect(peer.heads.count == 1)
        }
    }

    /// Another refusal is a matter of the account or of a single request.
    @Test func anAPIServerThatRefusesTheAccountIsNotSkipped() async throws {
        try await RawPeer.run { _, _ in
            .json(401, "{}")
        } _: { peer in
            let report = try await doctor(["--only", "PG101", "--only", "PG103"], server: "http://\(peer.authority)")
            #expect(report.entries.map(\.finding.status) == [.failure, .failure])
        }
    }

    @Test func theFindingComesWithinTenSeconds() {
        #expect(DoctorContext.answerTimeout <= .seconds(10))
    }

    @Test func aBundleContainsTheFindingOnly() async throws {
        try await RawPeer.run { _, _ in
            .json(503, "")
        } _: { peer in
            let text = try await DoctorBundle.collect(context("http://\(peer.authority)")).text()
            let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(Set(document.keys) == ["version", "doctor"])
            #expect(text.contains("does not work: it answers 503"))
            #expect(peer.heads.count == 1)
        }
    }
}
