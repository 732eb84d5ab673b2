import Basics
import FoundationEssentials
import KubernetesModel

@testable import KubernetesClient

/// However the bytes of a watch are split, they give the same events, and a written object reads back the same.
enum WatchProperties {
    private static let maxFrameBytes = 2048
    /// A text that the server may name, and that no error may repeat.
    private static let secret = "preview-token-that-is-secret"

    static func check(_ bytes: [UInt8]) throws {
        let chunkBytes = 1 + bytes.count % 61
        let chunks = stride(from: 0, to: bytes.count, by: chunkBytes).map {
            Array(bytes[$0..<min($0 + chunkBytes, bytes.count)])
        }
        let whole = Outcome([bytes])
        try require(Outcome(chunks) == whole, "the events do not depend on how the stream is cut")
        for line in bytes.split(separator: UInt8(ascii: "\n")).prefix(8) {
            try check(HTTPRoute.self, line)
            try check(Service.self, line)
            try check(Pod.self, line)
            try check(SandboxClaim.self, line)
            try check(Event.self, line)
            try check(PartialObjectMetadata.self, line)
            try compareReaders(of: line)
            try checkKnown(line)
            if let value = try? JSONDecoder().decode(JSONValue.self, from: Data(line)) { try stable(value) }
            if case .error(let status)? = try? WatchEvent<Pod>(json: line) { try check(status) }
            let text = String(decoding: line, as: UTF8.self)
            if let date = RFC3339.date(text) { try check(date) }
            if let date = HTTPDate.parse(text) { try check(date) }
        }
    }

    /// The result of a stream.
    private struct Outcome: Equatable {
        var events: [WatchEvent<PartialObjectMetadata>] = []
        var isRefused = false

        init(_ chunks: [[UInt8]]) {
            var decoder = WatchDecoder<PartialObjectMetadata>(maxFrameBytes: WatchProperties.maxFrameBytes)
            do {
                for chunk in chunks {
                    decoder.append(chunk)
                    while let event = try decoder.next() { events.append(event) }
                }
            } catch {
                isRefused = true
            }
        }
    }

    /// Reads a single object, an object in a frame of a watch, or a list.
    private static func check<Object: KubernetesObjectForm>(_ type: Object.Type, _ line: ArraySlice<UInt8>) throws {
        if let object = try? Object(json: line) { try stable(object) }
        switch try? WatchEvent<Object>(json: line) {
        case .added(let object), .modified(let object), .deleted(let object): try stable(object)
        case .bookmark, .error, nil: break
        }
        let list = try? ObjectList<Object>(json: line) { (object: Object) in object }
        if let list {
            try require(list.metadata.continueToken != "", "the last page has no token")
            for object in list.items.prefix(4) { try stable(object) }
        }
    }

    /// A list without known elements reads the same as one whose elements are all unknown, and each element that is
    /// read is looked up.
    private static func checkKnown(_ line: ArraySlice<UInt8>) throws {
        var asked: [ObjectVersion] = []
        let plain = try? ObjectList<PartialObjectMetadata>(json: line) { (object: PartialObjectMetadata) in object }
        let list = try? ObjectList<PartialObjectMetadata>(json: line) { version in
            asked.append(version)
            return nil
        } keeping: { (object: PartialObjectMetadata) in
            object
        }
        try require(list == plain, "what is asked about is read as what is not")
        guard let list else { return }
        let versions = list.items.compactMap { object -> ObjectVersion? in
            guard let uid = object.metadata.uid, let version = object.metadata.resourceVersion else { return nil }
            return ObjectVersion(name: object.metadata.name, uid: uid, resourceVersion: version)
        }
        // An object without a name is never looked up, and is read as one with an empty name.
        let named = (asked.filter { !$0.name.isEmpty }, versions.filter { !$0.name.isEmpty })
        try require(named.0 == named.1, "what is asked about is what is read")
    }

    /// The reader of metadata and Foundation's decoder give the same result.
    private static func compareReaders(of line: ArraySlice<UInt8>) throws {
        guard let read = try? PartialObjectMetadata(json: line) else { return }
        let decoded = try? JSONDecoder().decode(PartialObjectMetadata.self, from: Data(line))
        try require(decoded == read, "both readers find the same metadata")
    }

    /// Times lose the part below their last digit when they are written for the first time, and nothing after that.
    private static func stable<Value: Codable>(_ value: Value) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = try encoder.encode(value)
        let again = try? JSONDecoder().decode(Value.self, from: text)
        let read = try require(again, "what is written of a \(Value.self) can be read")
        try require(try encoder.encode(read) == text, "what is written of a \(Value.self) reads back the same")
    }

    private static func check(_ date: Date) throws {
        let text = RFC3339.string(date)
        let again = try require(RFC3339.date(text), "a time that is written can be read")
        try require(RFC3339.string(again) == text, "a time that is written reads back the same")
    }

    private static func check(_ status: Status) throws {
        var status = status
        status.message = (status.message ?? "") + secret
        status.reason = StatusReason(rawValue: (status.reason?.rawValue ?? "") + secret)
        status.details = Status.Details(
            name: secret,
            kind: status.details?.kind,
            causes: status.details?.causes,
            retryAfterSeconds: status.details?.retryAfterSeconds
        )
        let error = KubernetesError(frame: status, resource: "httproutes")
        try require(!"\(error)".contains(secret), "an error does not repeat the server's words")
        try require(error.retryAfter ?? .zero <= .seconds(3600), "nobody waits for longer than an hour")
    }
}

private typealias KubernetesObjectForm = Codable & Equatable & JSONReadable
