import Basics
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesClient
import KubernetesModel
import Synchronization
import TestSupport
import Testing

/// The behaviour of a real API server that a client must handle, with one test or more for each point.
///
/// | point | behaviour |
/// | --- | --- |
/// | 1 | after a restart 403 and 503 are only temporary |
/// | 2 | a JSON Patch's 422 is ambiguous; a merge patch creates the annotations map |
/// | 3 | a quiet watch is reopened after the client's own limit (`InformerTests`) |
/// | 4 | 410 comes as a status and as a frame (`InformerTests`); a list at a future version is 504 |
/// | 5 | lists come in pages, and can be null |
/// | 6 | 409 has two reasons; a delete of a missing object, and of one with finalizers |
/// | 7 | an absent and a terminating namespace |
/// | 8 | 429 with `Retry-After`; bounded concurrency |
/// | 9 | a slow response is waited for, and the request is sent once |
/// | 10 | a patch that changes nothing is not an error |
/// | 11 | a watch can end in the middle of a frame (`WatchDecoderTests`, `InformerTests`) |
/// | 12 | `Date` is in every response; a watch's is ignored (`ServerClockTests`) |
/// | 13 | v1beta1 is preferred; a 500 of the older version does not mean "not found"; warnings are ignored |
/// | 14 | too large annotations and bodies |
/// | 15 | garbage collection may lag: a read after an owner's delete still finds the object |
@Suite("Behaviour of a real API server", .timeLimit(.minutes(10)))
struct KubernetesAPIBehaviourTests {
    static let uid = Preconditions(uid: "u")

    @Test("1: 403 just after a restart is retried, and the object is found")
    func forbiddenAfterRestartIsTemporary() async throws {
        let fixture = try ClientFixture(
            .json(403, JSON.status(403, "Forbidden")),
            .json(403, JSON.status(403, "Forbidden")),
            .json(JSON.object("p"))
        )
        let pod = try await fixture.whileTimePasses { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(pod.metadata.name == "p")
        #expect(fixture.lines.count == 3)
    }

    @Test("1: a lasting 403 is reported within the grace period, and is not gone")
    func lastingForbiddenIsForbidden() async throws {
        let fixture = try ClientFixture { _, _ in .json(403, JSON.status(403, "Forbidden")) }
        let error = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(error?.kind == .forbidden)
        #expect(error?.meansObjectIsMissing == false)
        let last = try #require(fixture.transport.exchanges.last)
        #expect(last.time <= RetryPolicy().forbiddenGrace)
    }

    @Test("1: 503 with Retry-After is waited out, by a create too")
    func startingServerIsWaitedFor() async throws {
        let starting = ScriptedTransport.Reply.json(503, "server is starting", ["Retry-After": "10"])
        let fixture = try ClientFixture(starting, .json(201, JSON.object("p")))
        _ = try await fixture.whileTimePasses {
            try await fixture.client.create(Pod(metadata: ObjectMeta(name: "p")), in: "n")
        }
        let times = fixture.transport.exchanges.map(\.time)
        #expect(times[1] - times[0] >= .seconds(10))
        #expect(times[1] - times[0] <= .seconds(11.1))
    }

    @Test("1: a wait that does not fit the caller's budget is not begun")
    func retryAfterBeyondBudgetFailsAtOnce() async throws {
        let limits = RequestLimits(totalBudget: .seconds(5))
        let fixture = try ClientFixture(limits: limits, .json(503, "", ["Retry-After": "10"]))
        let error = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(error?.kind == .unavailable)
        #expect(error?.retryAfter == .seconds(10))
        #expect(error?.isTemporary == true)
        #expect(fixture.lines.count == 1)
    }

    @Test("2: a 422 is final and does not show its cause; a merge patch creates the map")
    func a422IsFinalAndAMergePatchCreatesTheMap() async throws {
        let fixture = try ClientFixture(.json(422, JSON.status(422, "Invalid")), .json(JSON.object("p")))
        let patch = Patch.json([.add(.annotation("a"), "1")])
        let error = try await fixture.error {
            try await fixture.client.patchMetadata(of: Pod.self, named: "p", in: "n", patch)
        }
        #expect(error?.kind == .invalid)
        _ = try await fixture.client.patchMetadata(of: Pod.self, named: "p", in: "n", .merge(.annotations(["a": "1"])))
        let exchange = fixture.transport.exchanges[1]
        #expect(exchange.request.head.headerFields[.contentType] == "application/merge-patch+json")
        #expect(exchange.body == #"{"metadata":{"annotations":{"a":"1"}}}"#)
    }

    @Test("4: a list at a future version is requested again after a second")
    func aListAtAFutureVersionIsRequestedAgain() async throws {
        let fixture = try ClientFixture(
            .json(504, JSON.status(504, "Timeout", details: #"{"retryAfterSeconds":1}"#), ["Retry-After": "1"]),
            .json(JSON.list(["a"]))
        )
        let list = try await fixture.whileTimePasses { try await fixture.client.list(Pod.self, in: "n") }
        #expect(list.items.count == 1)
        #expect(fixture.transport.exchanges[1].time >= .seconds(1))
    }

    @Test("4: a continue token that has expired makes the list start again, once")
    func expiredContinueRestartsTheList() async throws {
        let fixture = try ClientFixture(
            .json(JSON.list(["a"], version: 5, next: "t1")),
            .json(410, JSON.status(410, "Expired")),
            .json(JSON.list(["a", "b"], version: 9, next: "t2")),
            .json(JSON.list(["c"], version: 9))
        )
        let list = try await fixture.client.listMetadata(of: Pod.self, in: "n")
        #expect(list.items.map(\.metadata.name) == ["a", "b", "c"])
        #expect(list.metadata.resourceVersion == "9")
        #expect(fixture.lines[2] == "GET /api/v1/namespaces/n/pods?limit=500")

        let hopeless = try ClientFixture { _, _ in .json(410, JSON.status(410, "Expired")) }
        let error = try await hopeless.error { try await hopeless.client.list(Pod.self, in: "n") }
        #expect(error?.kind == .gone)
        #expect(hopeless.lines.count == 2)
    }

    @Test("5: each page names the limit and its token; null items are none")
    func pagesNameTheirToken() async throws {
        let fixture = try ClientFixture(
            limits: RequestLimits(pageSize: 2),
            .json(#"{"metadata":{"resourceVersion":"3"},"items":null}"#),
            .json(JSON.list(["a", "b"], next: "to+ken")),
            .json(JSON.list(["c"]))
        )
        let empty = try await fixture.client.listMetadata(of: Pod.self, in: "n", labelSelector: "a=b,c")
        #expect(empty.items.isEmpty)
        _ = try await fixture.client.listMetadata(of: Pod.self, in: nil, fieldSelector: "status.phase!=Failed")
        #expect(
            fixture.lines == [
                "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db%2Cc&limit=2",
                "GET /api/v1/pods?fieldSelector=status.phase%21%3DFailed&limit=2",
                "GET /api/v1/pods?fieldSelector=status.phase%21%3DFailed&limit=2&continue=to%2Bken",
            ]
        )
        #expect(
            fixture.transport.exchanges[0].request.head.headerFields[.accept]
                == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        )
    }

    @Test("6: AlreadyExists and Conflict are told apart, and neither is retried")
    func alreadyExistsAndConflictAreDistinguished() async throws {
        let fixture = try ClientFixture(
            .json(409, JSON.status(409, "AlreadyExists")),
            .json(409, JSON.status(409, "Conflict"))
        )
        let exists = try await fixture.error {
            try await fixture.client.create(Pod(metadata: ObjectMeta(name: "p")), in: "n")
        }
        let conflict = try await fixture.error {
            try await fixture.client.delete(Pod.self, named: "p", in: "n", preconditions: Self.uid)
        }
        #expect(exists?.kind == .alreadyExists)
        #expect(conflict?.kind == .conflict)
        #expect(fixture.lines.count == 2)
    }

    @Test("6: a delete distinguishes deleted, terminating and missing objects, and always sends its preconditions")
    func aDeleteDistinguishesDeletedTerminatingAndMissingObjects() async throws {
        let details = #"{"name":"p","kind":"pods"}"#
        let fixture = try ClientFixture(
            .json(#"{"kind":"Status","status":"Success","details":{"name":"p","uid":"u"}}"#),
            .json(JSON.object("p", more: #","deletionTimestamp":"2026-01-01T00:00:00Z","finalizers":["x/y"]"#)),
            .json(JSON.object("p")),
            .json(404, JSON.status(404, "NotFound", details: details))
        )
        var results: [DeletionResult] = []
        for _ in 0..<4 {
            results.append(
                try await fixture.client.delete(
                    Pod.self,
                    named: "p",
                    in: "n",
                    preconditions: Preconditions(uid: "u", resourceVersion: "7")
                )
            )
        }
        #expect(results == [.deleted, .deleting, .deleted, .notFound])
        for exchange in fixture.transport.exchanges {
            #expect(exchange.line == "DELETE /api/v1/namespaces/n/pods/p")
            #expect(exchange.body.contains(#""uid":"u""#) && exchange.body.contains(#""resourceVersion":"7""#))
            #expect(!exchange.request.mayBeRepeated, "404 to a repetition would mean that there was no such object")
        }
    }

    @Test("6: a delete whose path does not exist is an error, not a success")
    func aDeleteOfAMissingKindIsAnError() async throws {
        let fixture = try ClientFixture { _, _ in .json(404, "404 page not found") }
        let error = try await fixture.error {
            try await fixture.client.delete(HTTPRoute.self, named: "r", in: "n", preconditions: Self.uid)
        }
        #expect(error?.kind == .notFound(.group))
    }

    @Test("7: an absent and a terminating namespace are told apart, and neither is a missing object")
    func absentAndTerminatingNamespacesAreDistinguished() async throws {
        let fixture = try ClientFixture(
            .json(404, JSON.status(404, "NotFound", details: #"{"name":"n","kind":"namespaces"}"#)),
            .json(403, JSON.status(403, "Forbidden", details: #"{"causes":[{"reason":"NamespaceTerminating"}]}"#))
        )
        let pod = Pod(metadata: ObjectMeta(name: "p"))
        let absent = try await fixture.error { try await fixture.client.create(pod, in: "n") }
        let terminating = try await fixture.error { try await fixture.client.create(pod, in: "n") }
        #expect(absent?.kind == .notFound(.namespace))
        #expect(absent?.meansObjectIsMissing == false)
        #expect(terminating?.kind == .namespaceTerminating)
        #expect(fixture.lines.count == 2, "a terminating namespace is final")
    }

    @Test("8: 429 is obeyed by every verb")
    func everyVerbObeys429() async throws {
        let busy = ScriptedTransport.Reply.json(429, JSON.status(429, "TooManyRequests"), ["Retry-After": "1"])
        let fixture = try ClientFixture(busy, .json(#"{"kind":"Status","status":"Success"}"#))
        let result = try await fixture.whileTimePasses {
            try await fixture.client.delete(Pod.self, named: "p", in: "n", preconditions: Self.uid)
        }
        #expect(result == .deleted)
        #expect(fixture.transport.exchanges[1].time >= .seconds(1))
    }

    @Test("8: no more requests are under way than the limit says")
    func concurrencyIsBounded() async throws {
        let fixture = try ClientFixture { _, _ in
            .response(status: 200, fields: [:], body: [.pause(.milliseconds(50)), .chunk(JSON.object("p"))])
        }
        let answered = Mutex(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask { @Sendable in
                    _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
                    answered.withLock { $0 += 1 }
                }
            }
            // No response ends before the clock advances, so all of these are open at the same time.
            await fixture.transport.waitForExchanges(RequestLimits.maxConcurrentRequests)
            try await fixture.whileTimePasses {
                await waitWhile { answered.withLock({ $0 }) < 200 }
            }
            try await group.waitForAll()
        }
        #expect(fixture.lines.count == 200)
        #expect(fixture.transport.mostOpen == RequestLimits.maxConcurrentRequests)
    }

    @Test("9: a patch that takes seconds is waited for, and a time-out of it is not repeated")
    func slowPatchIsSentOnce() async throws {
        let patch = Patch.merge(.annotations(["a": "1"]))
        let slow = try ClientFixture(
            .response(status: 200, fields: [:], body: [.pause(.seconds(2)), .chunk(JSON.object("p"))])
        )
        _ = try await slow.whileTimePasses {
            try await slow.client.patchMetadata(of: Pod.self, named: "p", in: "n", patch)
        }
        let hanging = try ClientFixture(.silence)
        let error = try await hanging.error {
            try await hanging.client.patchMetadata(of: Pod.self, named: "p", in: "n", patch)
        }
        #expect(error?.kind == .transport(.timedOut))
        #expect(error?.isTemporary == true)
        #expect(slow.lines.count == 1 && hanging.lines.count == 1)
    }

    @Test("10: a patch that changes nothing returns the object in its old version")
    func emptyChangeKeepsTheVersion() async throws {
        let fixture = try ClientFixture(.json(JSON.object("p", version: 7)))
        let result = try await fixture.client.patchMetadata(
            of: Pod.self,
            named: "p",
            in: "n",
            .merge(.annotations(["a": "1"]))
        )
        #expect(result.metadata.resourceVersion == "7")
        #expect(
            fixture.transport.exchanges[0].request.head.headerFields[.accept]
                == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        )
    }

    @Test("14: too large annotations and too large bodies are final")
    func tooLargeAnnotationsAndBodiesAreFinal() async throws {
        let fixture = try ClientFixture(
            .json(422, JSON.status(422, "Invalid")),
            .json(413, JSON.status(413, "RequestEntityTooLarge"))
        )
        let pod = Pod(metadata: ObjectMeta(name: "p"))
        let annotations = try await fixture.error { try await fixture.client.create(pod, in: "n") }
        let body = try await fixture.error { try await fixture.client.create(pod, in: "n") }
        #expect(annotations?.kind == .invalid)
        #expect(body?.kind == .tooLarge)
        #expect(annotations?.isTemporary == false && body?.isTemporary == false)
    }

    @Test("15: an owner reference is written as garbage collection needs it, and a lagging object is simply found")
    func anObjectThatStillExistsAfterItsOwnerIsFound() async throws {
        let owner = OwnerReference(apiVersion: "v1", kind: "Pod", name: "p", uid: "u")
        let fixture = try ClientFixture(.json(201, JSON.object("s")), .json(JSON.object("s")))
        let service = Service(metadata: ObjectMeta(name: "s", ownerReferences: [owner]), spec: Service.Spec())
        _ = try await fixture.client.create(service, in: "n")
        let found = try await fixture.client.getMetadata(of: Service.self, named: "s", in: "n")
        #expect(found.metadata.name == "s")
        let sent = try JSONDecoder().decode(JSONValue.self, from: Data(fixture.transport.exchanges[0].request.body))
        #expect(sent["apiVersion"] == "v1" && sent["kind"] == "Service")
        #expect(
            sent["metadata"]?["ownerReferences"]
                == [["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"]]
        )
    }
}
