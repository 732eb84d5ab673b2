import FoundationEssentials
import TestSupport
import Testing

@testable import KubernetesModel

/// Compares the reader with Foundation's decoder: it must return the same values, but may refuse more documents.
@Suite("JSONReader", .timeLimit(.minutes(10)))
struct JSONReaderTests {
    private typealias Object = PartialObjectMetadata

    private func read(_ text: String) throws -> Object { try Object(json: Array(text.utf8)[...]) }

    private func list<Item: JSONReadable>(of type: Item.Type, _ text: String) throws -> ObjectList<Item> {
        try ObjectList(json: Array(text.utf8)[...]) { (item: Item) in item }
    }

    /// The document as the reader and Foundation decode it, each `nil` if it is refused.
    private func both(_ bytes: [UInt8]) -> (reader: Object?, foundation: Object?) {
        (try? Object(json: bytes[...]), try? JSONDecoder().decode(Object.self, from: Data(bytes)))
    }

    @Test("Random documents are read as Foundation reads them", arguments: 0..<20)
    func randomDocumentsAreReadAsInFoundation(seed: Int) {
        var documents = RandomDocuments(seed: UInt64(seed))
        var accepted = 0
        for _ in 0..<200 {
            let text = documents.object()
            let (reader, foundation) = both(Array(text.utf8))
            #expect(reader == foundation, "\(text)")
            if reader != nil { accepted += 1 }
        }
        #expect((20..<180).contains(accepted), "both kinds of documents have to occur")
    }

    @Test("A damaged document that the reader accepts has the same value in Foundation", arguments: 0..<20)
    func damagedDocumentsThatAreAcceptedHaveTheValueOfFoundation(seed: Int) {
        var documents = RandomDocuments(seed: UInt64(seed))
        for _ in 0..<40 {
            let whole = Array(documents.object().utf8)
            for length in stride(from: 0, to: whole.count, by: 7) {
                #expect(both(Array(whole.prefix(length))).reader == nil)
            }
            for _ in 0..<40 {
                var bytes = whole
                for _ in 0...documents.number(below: 3) {
                    bytes[documents.number(below: bytes.count)] = documents.damage()
                }
                let (reader, foundation) = both(bytes)
                if let reader { #expect(reader == foundation, "\(String(decoding: bytes, as: UTF8.self))") }
            }
        }
    }

    @Test(
        "Of two members with the same name the first counts, as in Foundation",
        arguments: [
            #"{"metadata":{"name":"a","name":"b"}}"#, #"{"metadata":{"name":null,"name":"b"}}"#,
            #"{"metadata":{"name":"a","name":5}}"#, #"{"metadata":{"n\u0061me":"a","name":"b"}}"#,
            #"{"metadata":{"name":"a"},"metadata":{"name":"b"}}"#, #"{"metadata":{},"metadata":5}"#,
            #"{"metadata":{"labels":{"k":"1","k":"2"}}}"#, #"{"metadata":{"labels":{"\u006b":"1","k":"2"}}}"#,
            #"{"metadata":{"labels":{"k":"1","k":null}}}"#, #"{"metadata":{"labels":null,"labels":{"k":"1"}}}"#,
            #"{"metadata":{"labels":{"\u00e9":"1","e\u0301":"2"}}}"#,
        ]
    )
    func theFirstOfTwoMembersWithOneNameIsUsed(text: String) {
        let (reader, foundation) = both(Array(text.utf8))
        #expect(reader == foundation)
    }

    @Test("Integers of any size are read or refused as in Foundation")
    func integersOfAnySizeAreReadOrRefusedAsInFoundation() {
        let numbers = [
            "0", "-0", "7", "-7", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "-9223372036854775809", "true", "\"1\"", "null", "[]", "{}", String(repeating: "9", count: 500),
        ]
        for number in numbers {
            let (reader, foundation) = both(Array(#"{"metadata":{"generation":\#(number)}}"#.utf8))
            #expect(reader == foundation, "\(number)")
        }
    }

    @Test("A number with a fraction or an exponent is refused as an integer, and may occur in skipped members")
    func aFractionOrAnExponentIsRefusedAsAnInteger() throws {
        for number in ["1.0", "1.5", "0.0", "-1.5e1", "1e2", "1E+2", "100e-2", "1e400", "-1e-400"] {
            #expect(throws: DecodingError.self) { try read(#"{"metadata":{"generation":\#(number)}}"#) }
            #expect(try read(#"{"metadata":{"name":"a","other":\#(number)}}"#).metadata == ObjectMeta(name: "a"))
        }
    }

    @Test("Nesting is limited as in Foundation, in decoded and in skipped values", arguments: 505...520)
    func nestingIsLimitedAsInFoundation(depth: Int) {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let nested = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            let (reader, foundation) = both(Array(#"{"metadata":{"name":"a","managedFields":\#(nested)}}"#.utf8))
            #expect(reader == foundation)
        }
        let endless = Array(String(repeating: "[", count: 1_000_000).utf8)
        #expect(throws: DecodingError.self) { try Object(json: endless[...]) }
    }

    @Test("Escapes are decoded as in RFC 8259, in values and in names")
    func escapesAreDecodedAsInRFC8259() throws {
        let object = try read(
            #"{"metadata":{"n\u0061me":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00\u0000","labels":{"\u2028":"é"}}}"#
        )
        #expect(object.metadata.name == "\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{20AC}\u{1F600}\0")
        #expect(object.metadata.labels == ["\u{2028}": "\u{E9}"])
    }

    @Test(
        "A document that is not JSON is refused, wherever the error is",
        arguments: [
            "", " ", "{", "nul", "{} {}", "{},", "[1,]", "[,1]", "[1 2]", #"{"a":1,}"#, #"{"a" 1}"#, "{a:1}", "{'a':1}",
            #"{"a":}"#, #"{"a"}"#, "{1:1}", "01", "1.", ".5", "-", "+1", "1e", "1e+", "0x1", "1_0", "NaN", "Infinity",
            "tru",
            "True", "truex", "nullx", "\"", #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\udc00""#,
            #""\ud800\ud800""#, #""\ud800a""#, #""\ud800\n""#, #""\udc00\ud800""#, "\"\u{1}\"", "\"\n\"", "\"\t\"",
            "//a\n1", "/*a*/1", "\u{FEFF}1", "1\0", "\u{A0}1", "\u{B}1",
        ]
    )
    func malformedJSONIsRefused(text: String) {
        for document in [text, #"{"metadata":{"name":"a"},"kind":\#(text)}"#, #"{"metadata":{"name":\#(text)}}"#] {
            #expect(throws: DecodingError.self, "\(document)") { try read(document) }
        }
    }

    @Test("Invalid UTF-8 is refused in values and names, decoded or skipped")
    func invalidUTF8IsRefused() {
        let invalid: [[UInt8]] = [
            [0xFF], [0x80], [0xC3], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF0, 0x80, 0x80, 0x80], [0xC3, 0x5C, 0x6E],
        ]
        for bytes in invalid {
            for (before, after) in [
                (#"{"metadata":{"name":""#, #""}}"#), (#"{"metadata":{"labels":{""#, #"":""}}}"#),
                (#"{"metadata":{"name":"a","other":""#, #""}}"#), (#"{"metadata":{"name":"a",""#, #"":1}}"#),
                (#"{"metadata":{"name":"a","other":{""#, #"":1}}}"#),
            ] {
                let document = Array(before.utf8) + bytes + Array(after.utf8)
                #expect(throws: DecodingError.self) { try Object(json: document[...]) }
            }
        }
    }

    @Test("An error contains no text of the document")
    func errorsQuoteNothing() {
        for text in [#"{"metadata":{"name":preview-secret}}"#, #"{"metadata":{"preview-secret\x":1}}"#] {
            let error = #expect(throws: DecodingError.self) { try read(text) }
            #expect(error.map { "\($0)".contains("secret") } == false)
        }
    }

    @Test("Lists are read as in Foundation, with members in any order and items that are null or missing")
    func listsAreReadAsInFoundation() throws {
        let objects = [
            #"{"metadata":{"resourceVersion":"7","continue":"t"},"items":[{"metadata":{"name":"a"}}]}"#,
            #"{"items":[],"metadata":{"continue":"","remainingItemCount":3}}"#,
            #"{"items":null,"metadata":{"continue":null,"resourceVersion":null}}"#, #"{"metadata":{}}"#,
            #"{"kind":"List","items":[{"metadata":{}},{"metadata":{"labels":null}}],"metadata":{}}"#,
        ]
        for text in objects {
            let bytes = Array(text.utf8)
            let expected = try JSONDecoder().decode(ReferenceList.self, from: Data(bytes))
            let list = try list(of: Object.self, text)
            #expect(list.items == expected.items ?? [])
            #expect(list.metadata.resourceVersion == expected.metadata.resourceVersion ?? "")
            #expect(list.metadata.continueToken ?? "" == expected.metadata.continue ?? "")
        }
        for text in [
            #"{"items":[]}"#, #"{"metadata":null,"items":[]}"#, #"{"metadata":{},"items":[null]}"#, "[]", "null",
        ] {
            #expect(throws: DecodingError.self) { try list(of: Object.self, text) }
        }
    }

    @Test("Of a list's objects only what the closure returns is kept")
    func onlyWhatTheClosureReturnsIsKept() throws {
        let objects = (0..<4).map { #"{"metadata":{"name":"\#($0)"}}"# }.joined(separator: ",")
        let text = #"{"items":[\#(objects)],"metadata":{"resourceVersion":"7"}}"#
        let list = try ObjectList(json: Array(text.utf8)[...]) { (object: Object) in
            Int(object.metadata.name).flatMap { $0.isMultiple(of: 2) ? $0 : nil }
        }
        #expect(list == ObjectList(metadata: ListMeta(resourceVersion: "7"), items: [0, 2]))
    }

    @Test("An object that is known in the version of the list is skipped")
    func anObjectThatIsKnownInItsVersionIsSkipped() throws {
        func object(_ name: String, _ version: String) -> String {
            #"{"spec":[{}],"metadata":{"labels":{"name":"x"},"name":"\#(name)","uid":"u","resourceVersion":\#(version)}}"#
        }
        let objects = [object("a", #""1""#), object("b", #""2""#), object("c", "null"), #"{"metadata":{}}"#]
        let text = #"{"items":[\#(objects.joined(separator: ","))],"metadata":{"resourceVersion":"7"}}"#
        var asked: [ObjectVersion] = []
        let list = try ObjectList(json: Array(text.utf8)[...]) { version in
            asked.append(version)
            return version.name == "a" ? "known" : nil
        } keeping: { (object: Object) in
            object.metadata.name
        }
        #expect(list.items == ["known", "b", "c", ""])
        #expect(
            asked == [
                ObjectVersion(name: "a", uid: "u", resourceVersion: "1"),
                ObjectVersion(name: "b", uid: "u", resourceVersion: "2"),
            ]
        )
        // The syntax and the name of a skipped object are checked nevertheless.
        for broken in [#"{"metadata":{"name":"a","uid":"u","resourceVersion":"1"},}"#, #"{"metadata":{"name":1}}"#] {
            #expect(throws: DecodingError.self) {
                try ObjectList(json: Array(#"{"metadata":{},"items":[\#(broken)]}"#.utf8)[...]) { _ in
                    "known"
                } keeping: { (object: Object) in
                    object.metadata.name
                }
            }
        }
    }

    /// The reader processes strings eight bytes at a time, so special bytes are tested at each position of the eight.
    @Test("A special byte in a string is handled at every position", arguments: 0..<20)
    func aSpecialByteIsHandledAtEveryPosition(length: Int) {
        let special: [[UInt8]] = [
            [0x22], [0x5C, 0x22], [0x5C, 0x5C], [0x00], [0x1F], [0x20], [0x21], [0x23], [0x5B], [0x5D], [0x7F],
            Array("é".utf8), Array("\u{10FFFF}".utf8), [0x80], [0xFF], [0xA2], [0xDC],
        ]
        for place in 0...length {
            for bytes in special {
                let content =
                    Array(repeating: UInt8(ascii: "a"), count: place) + bytes
                    + Array(repeating: UInt8(ascii: "b"), count: length - place)
                for end in [#"","uid":"u"}}"#, #""}}"#, ""] {
                    let document = Array(#"{"metadata":{"name":""#.utf8) + content + Array(end.utf8)
                    let (reader, foundation) = both(document)
                    #expect(reader == foundation, "\(document)")
                }
            }
        }
    }

    @Test("Kinds that are only Decodable are also read in lists and watch events")
    func kindsThatAreOnlyDecodableAreReadInListsAndEvents() throws {
        let claim =
            #"{"metadata":{"name":"c","labels":{"k":"\u0061"}},"status":{"conditions":null,"sandbox":{"name":"s"}}}"#
        let expected = SandboxClaim(
            metadata: ObjectMeta(name: "c", labels: ["k": "a"]),
            status: SandboxClaim.Status(sandbox: SandboxClaim.SandboxReference(name: "s"))
        )
        let list = try list(of: SandboxClaim.self, #"{"metadata":{},"items":[ \#(claim) ,\#(claim)]}"#)
        #expect(list.items == [expected, expected])
        let event = try WatchEvent<SandboxClaim>(json: Array(#"{"object": \#(claim),"type":"ADDED"}"#.utf8)[...])
        #expect(event == .added(expected))
        for broken in ["{\"metadata\":{\"name\":01}}", "{\"metadata\":{},}", "{\"status\":{}}"] {
            #expect(throws: DecodingError.self) { try SandboxClaim(json: Array(broken.utf8)[...]) }
        }
    }
}

private struct ReferenceList: Decodable {
    struct Metadata: Decodable {
        let resourceVersion: String?
        let `continue`: String?
    }

    let metadata: Metadata
    let items: [PartialObjectMetadata]?
}
