import DevCluster
import Testing

@Suite("JSON", .timeLimit(.minutes(10)))
struct JSONParserTests {
    @Test(
        "text that is not JSON is refused",
        arguments: [
            "", " ", "{", "[1,", "{\"a\"}", "{\"a\":1,}", "[1 2]", "01", "1.", "1e", "-", "\"a", "\"\\x\"", "\"\\u12\"",
            "nul", "truefalse", "\"\u{1}\"", "1e999", String(repeating: "[", count: 100_000),
        ]
    )
    func textThatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.value(of: Array(text.utf8)) }
    }

    @Test(
        "a value is written as it was read",
        arguments: [
            "null", "true", "-1", "9223372036854775807", "1.5", "\"a\\\"\\\\\\n\\u0001\"", "[]", "{}",
            "[1,[2,{\"a\":null}]]",
            "{\"a\":{\"b\":\"\u{1F600}\"},\"z\":false}",
        ]
    )
    func aValueIsWrittenAsItWasRead(_ text: String) throws {
        #expect(try JSONParser.value(of: Array(text.utf8)).description == text)
    }

    @Test("escapes, surrogate pairs and lone surrogates are decoded as Go decodes them")
    func escapesAndSurrogatesAreDecodedAsInGo() throws {
        let text = #"["\u00e4\/","\ud83d\ude00","\ud83dx","\ude00"]"#
        #expect(try JSONParser.value(of: Array(text.utf8)) == ["\u{E4}/", "\u{1F600}", "\u{FFFD}x", "\u{FFFD}"])
    }

    @Test("of two members with the same name, the last one counts")
    func theLastOfTwoMembersWithOneNameIsUsed() throws {
        #expect(try JSONParser.value(of: Array(#"{"a":1,"a":2}"#.utf8)) == ["a": 2])
    }

    @Test("a number is an integer only without a fraction and an exponent, and within 64 bits")
    func onlyWholeNumbersOf64BitsAreIntegers() throws {
        #expect(
            try JSONParser.value(of: Array("[1,1.0,1e2,9223372036854775808]".utf8))
                == [1, .double(1), .double(100), .double(9_223_372_036_854_775_808)]
        )
    }

    @Test("a member at a path can be set, which creates the objects above it, and removed")
    func aMemberAtAPathCanBeSetAndRemoved() {
        var value: JSONValue = ["a": ["b": 1]]
        value["a", "c", "d"] = "x"
        value["a", "b"] = nil
        value["q", "r"] = nil
        #expect(value == ["a": ["c": ["d": "x"]]])
        #expect(value["a", "c", "d"]?.stringValue == "x")
        #expect(value["a", "c", "d", "e"] == nil)
    }
}
