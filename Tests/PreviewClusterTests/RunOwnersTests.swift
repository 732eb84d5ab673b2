import DevCluster
import PreviewCluster
import PreviewDomain
import PreviewIdentity
import Testing

@Suite("The owner of a run, by its claim", .timeLimit(.minutes(10)))
struct RunOwnersTests {
    private func owners(_ replica: Replica) -> KubernetesRunOwners {
        KubernetesRunOwners(client: replica.client, namespace: TestCluster.namespace, mirror: replica.mirror)
    }

    @Test func anAnnotationOrALabelNamesTheOwner() async throws {
        let (first, second) = (try RunID.testing(), try RunID("bbbbbbbb-bbbb-4000-8000-000000000001"))
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: first)
            let labelled = try cluster.addSandbox(for: second) { $0.owner = nil }
            try cluster.store.update(.sandboxClaims, namespace: TestCluster.namespace, name: labelled.name) { claim in
                claim["metadata", "labels"] = [ClaimAnnotation.runOwner: "grace"]
            }
            let owners = owners(try await Replica(cluster))
            #expect(try await owners.owner(of: first) == "ada")
            #expect(try await owners.owner(of: second) == "grace")
        }
    }

    @Test func aRunWithoutAnAnnotationOrLabelHasNoOwner() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let owners = owners(try await Replica(cluster))
            #expect(try await owners.owner(of: run) == nil)
            try cluster.addSandbox(for: run) { $0.owner = nil }
            #expect(try await owners.owner(of: run) == nil)
        }
    }

    @Test func theClaimOfARunThatBeginsAlikeProvesNothing() async throws {
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: RunID("aaaaaaaa-aaaa-4000-8000-000000000001"))
            try cluster.addSandbox(for: RunID("nightly-build")) { $0.writtenRun = nil }
            let owners = owners(try await Replica(cluster))
            #expect(try await owners.owner(of: RunID("aaaaaaaa-aaaa-4000-8000-000000000002")) == nil)
            #expect(try await owners.owner(of: RunID("nightly-build-of-mallory")) == nil)
            #expect(try await owners.owner(of: RunID("nightly-build")) == nil)
        }
    }

    @Test func anOwnerInTheCopyCostsNoRequestAndAnotherIsRead() async throws {
        let (known, new) = (try RunID.testing(), try RunID("bbbbbbbb-bbbb-4000-8000-000000000001"))
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: known)
            let latch = Latch()
            defer { latch.open() }
            cluster.faults.add(.init(verb: "watch", times: nil, fault: .holdWatch(latch)))
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                try cluster.addSandbox(for: new)
                cluster.requests.reset()
                let owners = owners(replica)
                #expect(try await owners.owner(of: known) == "ada")
                #expect(cluster.requests.count() == 0)
                #expect(try await owners.owner(of: new) == "ada")
                #expect(cluster.requests.count(verb: "get") == 1)
            }
        }
    }

    @Test func aFailingClusterDoesNotMeanThatThereIsNoOwner() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            cluster.faults.add(
                .init(
                    verb: "get",
                    times: nil,
                    fault: .respond(StatusFailure(code: 500, reason: "InternalError", message: "scripted"))
                )
            )
            let owners = owners(try await Replica(cluster))
            let denied = await #expect(throws: AccessDenied.self) { _ = try await owners.owner(of: run) }
            #expect(denied?.kind == .unavailable)
        }
    }
}
