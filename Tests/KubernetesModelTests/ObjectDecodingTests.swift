import FoundationEssentials
import KubernetesModel
import Testing

@Suite("Decoding objects", .timeLimit(.minutes(10)))
struct ObjectDecodingTests {
    private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    private func read<Value: JSONReadable>(_ type: Value.Type, _ text: String) throws -> Value {
        try Value(json: Array(text.utf8)[...])
    }

    @Test("Lists and maps that are null or absent decode to empty ones, and managedFields are dropped")
    func nullAndAbsentListsAndMapsAreEmpty() throws {
        let claim = try decode(
            SandboxClaim.self,
            #"""
            {"metadata":{"name":"agent-1","labels":null,"annotations":null,"finalizers":null,"ownerReferences":null,
             "creationTimestamp":null,"managedFields":[{"manager":"x","fieldsV1":{"f:a":{}}}]},
             "status":{"conditions":null,"sandbox":{}}}
            """#
        )
        #expect(claim.metadata == ObjectMeta(name: "agent-1"))
        #expect(claim.status == SandboxClaim.Status(sandbox: SandboxClaim.SandboxReference(name: nil)))
        let bare = try decode(SandboxClaim.self, #"{"metadata":{"name":"agent-1"}}"#)
        #expect(bare.status == SandboxClaim.Status())
        let text = #"{"metadata":{},"items":null}"#
        let list = try ObjectList(json: Array(text.utf8)[...]) { (object: PartialObjectMetadata) in object }
        #expect(list.items.isEmpty && list.metadata.continueToken == nil)
    }

    @Test("Metadata is read as it was written, and empty members are not written")
    func metadataIsReadAsItWasWritten() throws {
        let metadata = ObjectMeta(
            name: "a",
            namespace: "n",
            uid: "u",
            resourceVersion: "7",
            generation: 2,
            creationTimestamp: Date(timeIntervalSince1970: 1_795_482_123),
            deletionTimestamp: Date(timeIntervalSince1970: 1_795_482_124),
            labels: ["l": "1"],
            annotations: ["x/y": "2"],
            ownerReferences: [OwnerReference(apiVersion: "v1", kind: "Pod", name: "p", uid: "q")]
        )
        #expect(try JSONDecoder().decode(ObjectMeta.self, from: JSONEncoder().encode(metadata)) == metadata)
        let empty = try JSONEncoder().encode(ObjectMeta(name: "a"))
        #expect(String(decoding: empty, as: UTF8.self) == #"{"name":"a"}"#)
    }

    @Test("A time that cannot be read is an error, not a missing time")
    func anUnreadableTimeIsAnError() {
        #expect(throws: DecodingError.self) {
            try decode(ObjectMeta.self, #"{"name":"a","creationTimestamp":"yesterday"}"#)
        }
    }

    @Test("A pod's phase and conditions are read")
    func containersPhaseAndConditionsOfAPodAreRead() throws {
        let pod = try decode(
            Pod.self,
            #"""
            {"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","ports":null}]},
             "status":{"phase":"Succeeded","podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"False",
               "lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"Odd","status":"Perhaps"}]}}
            """#
        )
        #expect(pod.status.isTerminal)
        #expect(!pod.status.conditions.isTrue("Ready"))
        #expect(pod.status.conditions.first(ofType: "Odd")?.status == .unknown)
    }

    @Test(arguments: [#"{"ports":null}"#, "{}"])
    func aListThatIsNullOrMissingIsEmpty(spec: String) throws {
        #expect(try decode(Service.Spec.self, spec) == Service.Spec())
    }

    @Test("A route's parents and their conditions are read, and a written route has no status")
    func theParentsOfARouteAndTheirConditionsAreRead() throws {
        let route = try decode(
            HTTPRoute.self,
            #"""
            {"metadata":{"name":"r"},"spec":{"parentRefs":[{"name":"g"}],"hostnames":["a.example"],
              "rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}],"backendRefs":[{"name":"s","port":80}]}]},
             "status":{"parents":[{"parentRef":{"name":"g"},"controllerName":"c","conditions":
               [{"type":"Accepted","status":"True","reason":"Accepted"}]}]}}
            """#
        )
        #expect(route.status?.parents.first?.conditions.isTrue("Accepted") == true)
        let fresh = HTTPRoute(metadata: route.metadata, spec: route.spec)
        let text = String(decoding: try JSONEncoder().encode(fresh), as: UTF8.self)
        #expect(!text.contains("status"))
        // The server then sets its default, a match of every path.
        #expect(!text.contains("matches"))
        #expect(try decode(HTTPRoute.self, text) == fresh)
    }

    @Test("A rule's filters and timeouts are written as they were read, and omitted if there are none")
    func filtersAndTimeoutsAreWrittenAsTheyWereRead() throws {
        let rule = try decode(
            HTTPRoute.Rule.self,
            #"""
            {"filters":[{"type":"RequestHeaderModifier","requestHeaderModifier":{"set":[{"name":"a","value":"b"}]}},
              {"type":"RequestMirror","requestMirror":{"backendRef":{"name":"m"}}}],
             "backendRefs":[],"timeouts":{"request":"8h"}}
            """#
        )
        #expect(rule.filters?.first?.requestHeaderModifier?.set == [HTTPRoute.Header(name: "a", value: "b")])
        #expect(rule.filters?.map(\.type) == ["RequestHeaderModifier", "RequestMirror"])
        #expect(rule.timeouts?.request == "8h")
        let written = String(decoding: try JSONEncoder().encode(rule), as: UTF8.self)
        #expect(!written.contains("requestMirror"))
        #expect(try decode(HTTPRoute.Rule.self, written) == rule)
        let plain = String(decoding: try JSONEncoder().encode(HTTPRoute.Rule()), as: UTF8.self)
        #expect(plain == #"{"backendRefs":[]}"#)
    }

    @Test("A Service's target port is a number or a name")
    func aTargetPortIsANumberOrAName() throws {
        let service = try decode(
            Service.self,
            #"{"metadata":{"name":"s"},"spec":{"ports":[{"port":80,"targetPort":3000},{"port":81,"targetPort":"web"}]}}"#
        )
        #expect(service.spec.ports.map(\.targetPort) == [.number(3000), .name("web")])
        #expect(service.spec.selector.isEmpty)
    }

    @Test("An event's times are whole seconds")
    func eventTimestampsAreWholeSecondsAndTheEventTimeHasMicroseconds() throws {
        let event = Event(
            metadata: ObjectMeta(name: "e", namespace: "n"),
            involvedObject: ObjectReference(kind: "SandboxClaim", namespace: "n", name: "c"),
            firstTimestamp: Date(timeIntervalSince1970: 0.75)
        )
        let text = String(decoding: try JSONEncoder().encode(event), as: UTF8.self)
        #expect(text.contains(#""firstTimestamp":"1970-01-01T00:00:00Z""#))
        #expect(try decode(Event.self, text).firstTimestamp == Date(timeIntervalSince1970: 0))
    }

    @Test("An unknown reason of a Status is kept")
    func anUnknownReasonIsKept() throws {
        let status = try decode(
            Status.self,
            #"{"status":"Failure","reason":"Odd","code":418,"details":{"causes":null,"retryAfterSeconds":3}}"#
        )
        #expect(status.reason == StatusReason(rawValue: "Odd") && status.reason?.rawValue == "Odd")
        #expect(status.details?.retryAfterSeconds == 3)
        #expect(StatusReason(rawValue: "AlreadyExists") == .alreadyExists)
    }

    @Test("Each type of frame of a watch is recognized, and other frames are refused")
    func eachTypeOfWatchFrameIsRecognizedAndOthersAreRefused() throws {
        typealias Frame = WatchEvent<PartialObjectMetadata>
        let object = PartialObjectMetadata(metadata: ObjectMeta(name: "a"))
        let body = #""object":{"metadata":{"name":"a"}}"#
        #expect(try read(Frame.self, #"{"type":"ADDED",\#(body)}"#) == .added(object))
        #expect(try read(Frame.self, #"{"type":"MODIFIED",\#(body)}"#) == .modified(object))
        #expect(try read(Frame.self, #"{"type":"DELETED",\#(body)}"#) == .deleted(object))
        #expect(
            try read(Frame.self, #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#)
                == .bookmark(resourceVersion: "9")
        )
        #expect(
            try read(Frame.self, #"{"type":"ERROR","object":{"code":410,"reason":"Expired"}}"#)
                == .error(Status(reason: .expired, code: 410))
        )
        for wrong in [
            #"{"type":"OTHER",\#(body)}"#, "{\(body)}", #"{"type":"ADDED"}"#, #"{"type":"ADDED","object":null}"#,
            #"{"type":null,\#(body)}"#, #"{"type":"BOOKMARK",\#(body)}"#, #"{"type":"BOOKMARK","object":{}}"#, "[]",
        ] {
            #expect(throws: DecodingError.self) { try read(Frame.self, wrong) }
        }
        #expect(try read(Frame.self, #"{\#(body),"type":"ADDED"}"#) == .added(object))
    }
}
