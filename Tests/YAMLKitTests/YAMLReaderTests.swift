import Testing

@testable import YAMLKit

@Suite("Reading YAML", .timeLimit(.minutes(10)))
struct YAMLReaderTests {
    private func json(_ yaml: String) throws -> String? {
        try YAMLNode.document(in: yaml.utf8)?.json
    }

    private func error(_ yaml: String) -> YAMLError? {
        #expect(throws: YAMLError.self) { try YAMLNode.document(in: yaml.utf8) }
    }

    // MARK: Examples of YAML 1.2.2

    @Test(
        "The examples of the specification have the values that it states",
        arguments: [
            // 2.1 to 2.6: sequences and mappings in blocks and flows.
            ("- Mark McGwire\n- Sammy Sosa\n", #"["Mark McGwire","Sammy Sosa"]"#),
            ("hr:  65    # Home runs\navg: 0.278 # Batting average\n", #"{"avg":0.278,"hr":65}"#),
            ("american:\n- Boston\nnational:\n- York\n", #"{"american":["Boston"],"national":["York"]}"#),
            ("-\n  name: Mark\n  hr:   65\n-\n  name: Sammy\n", #"[{"hr":65,"name":"Mark"},{"name":"Sammy"}]"#),
            ("- [name, hr]\n- [Mark, 65]\n", #"[["name","hr"],["Mark",65]]"#),
            (
                "Mark: {hr: 65, avg: 0.278}\nSammy: {\n  hr: 63,\n }\n",
                #"{"Mark":{"avg":0.278,"hr":65},"Sammy":{"hr":63}}"#
            ),
            // 2.10: an alias.
            ("hr:\n  - Mark\n  - &SS Sammy\nrbi:\n  - *SS\n", #"{"hr":["Mark","Sammy"],"rbi":["Sammy"]}"#),
            // 2.13 to 2.18: scalars of several lines.
            ("--- |\n  \\//||\\/||\n  // ||  ||__\n", #""\\//||\\/||\n// ||  ||__\n""#),
            ("--- >\n  Mark McGwire's\n  year was crippled.\n", #""Mark McGwire's year was crippled.\n""#),
            ("plain:\n  This scalar\n  spans many lines.\n", #"{"plain":"This scalar spans many lines."}"#),
            (#"unicode: "Sosa did fine.\u263A""#, #"{"unicode":"Sosa did fine.☺"}"#),
            (#"quoted: ' # Not a ''comment''.'"#, #"{"quoted":" # Not a 'comment'."}"#),
            (#"control: "\b1998\t1999\t2000\n""#, #"{"control":"\u00081998\u00091999\u00092000\n"}"#),
            // 8.4 and 8.5: the final line breaks of block scalars.
            ("a: |-\n  text\nb: |\n  text\nc: |+\n  text\n\n", #"{"a":"text","b":"text\n","c":"text\n\n"}"#),
            // A certificate as some tools write it.
            ("ca: |\n  QUJD\n  REVG\n", #"{"ca":"QUJD\nREVG\n"}"#),
        ]
    )
    func theExamplesOfTheSpecificationAreRead(yaml: String, expected: String) throws {
        #expect(try json(yaml) == expected)
    }

    @Test func jsonIsReadAsYAML() throws {
        let text = #"{"a":[1,-2.5,"x\"\\\u0001\n",true,null,{}],"b/c":{"d":""}}"#
        #expect(try json(text) == text)
    }

    @Test(arguments: ["", "# nothing\n", "\n\n"])
    func aTextWithoutADocumentIsNone(yaml: String) throws {
        #expect(try YAMLNode.document(in: yaml.utf8) == nil)
    }

    @Test func severalDocumentsAreReadWhereTheyAreExpected() throws {
        let text = "a: 1\n---\nb: 2\n---\n"
        #expect(try YAMLNode.documents(in: text.utf8).map(\.json) == [#"{"a":1}"#, #"{"b":2}"#, "null"])
        #expect(error(text)?.description == "line 2, column 1: expected a single document")
    }

    // MARK: Keys

    @Test func aMergeKeyBringsWhatIsNotThere() throws {
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {'<<': 1}\ne: {<<: *b, y: 0}"
        let document = try #require(try YAMLNode.document(in: text.utf8))
        #expect(document["c"]?.json == #"{"x":1,"y":1,"z":3}"#)
        #expect(document["d"]?.json == #"{"<<":1}"#)
        #expect(document["e"]?.json == #"{"y":0,"z":2}"#)
        #expect(error("<<: 1")?.problem == "a merge key's value is not a mapping")
    }

    @Test func aKeyMayBeAnAliasOfAScalar() throws {
        #expect(try json("a: &k name\n*k : 1") == #"{"a":"name","name":1}"#)
        #expect(error("a: &k [1]\n*k : 1")?.problem == "a key is not a scalar")
        #expect(error("{[1]: 2}")?.problem == "a key is not a scalar")
        #expect(error("? {a: 1}\n: 2")?.problem == "a key is not a scalar")
    }

    @Test func aKeyThatIsThereTwiceIsAnError() {
        #expect(error("hidden: 1\nb: 2\nhidden: 3")?.description == "line 3, column 1: duplicate key")
    }

    // MARK: Limits

    @Test func nestingHasALimitWithAndWithoutAliases() throws {
        let limit = YAMLReader.maxDepth
        func nested(_ depth: Int, _ core: String) -> String {
            String(repeating: "[", count: depth) + core + String(repeating: "]", count: depth)
        }
        #expect(try json(nested(limit, "")) == nested(limit, ""))
        #expect(error(nested(limit + 1, ""))?.problem == "nested too deeply")
        #expect(error(String(repeating: "[", count: 1 << 20))?.problem == "nested too deeply")
        let half = "a: &a \(nested(limit / 2, "1"))\nb: "
        #expect(throws: Never.self) { try json(half + nested(limit / 2 - 1, "*a")) }
        #expect(error(half + nested(limit / 2, "*a"))?.problem == "nested too deeply")
    }

    @Test func theNumberOfValuesHasALimit() throws {
        let limit = YAMLReader.maxValues
        let most = try YAMLNode.document(in: "[\(String(repeating: "1,", count: limit - 1))]".utf8)
        #expect(most?.elements?.count == limit - 1)
        #expect(error("[\(String(repeating: "1,", count: limit))]")?.problem == "more than 250000 values")
    }

    @Test func aFewAliasesCannotStandForBillions() {
        var lines = ["a0: &a0 x"]
        for level in 1...20 {
            lines.append("a\(level): &a\(level) [\(String(repeating: "*a\(level - 1) ,", count: 10))]")
        }
        #expect(error(lines.joined(separator: "\n"))?.problem == "aliases expand to more than 1048576 bytes")
    }

    @Test func manyAliasesOfALongTextCountItsBytes() throws {
        let text = "a: &a \(String(repeating: "x", count: 1 << 18))\nb: "
        #expect(throws: Never.self) { try json(text + "[*a,*a,*a]") }
        #expect(error(text + "[*a,*a,*a,*a]")?.problem == "aliases expand to more than 1048576 bytes")
    }

    @Test func anAnchorIsKnownAfterItsValueAndInItsDocument() throws {
        for text in ["a: *a", "a: &a [*a]", "&a {b: *a}"] {
            #expect(error(text)?.problem == "an alias of an anchor that does not exist")
        }
        #expect(throws: YAMLError.self) { try YAMLNode.documents(in: "&a 1\n---\n*a".utf8) }
        #expect(try json("[&a 1, *a, &a 2, *a]") == "[1,1,2,2]")
    }

    // MARK: Errors

    @Test(arguments: [
        ("a: [hidden-secret\n", 2, 1), ("users:\n- token: {hidden-secret\n", 3, 1), ("a: 'hidden-secret", 1, 18),
        ("a: b\n\thidden-secret: 1", 2, 1), ("a: \"\\hidden-secret\"", 1, 5), ("a: hidden-secret: b", 1, 17),
        ("%YAML 3.0\n---\nhidden-secret", 1, 1), ("!hidden!x y", 1, 1), ("- a\nhidden-secret\n", 3, 1),
        ("a: hidden-secret\u{0}", 1, 17), ("ä: ü\nhidden-secret: ö\u{7}", 2, 17),
    ])
    func anErrorSaysWhereAndDoesNotRepeatTheText(yaml: String, line: Int, column: Int) {
        let error = error(yaml)
        #expect(error.map { [$0.line, $0.column] } == [line, column], "\(error?.description ?? "")")
        #expect(error?.description.contains("hidden") == false)
    }

    @Test func bytesThatAreNotUTF8AreAnError() {
        for bytes in [[0x61, 0x0A, 0xFF], [0xC3], [0xED, 0xA0, 0x80]] as [[UInt8]] {
            #expect(throws: YAMLError.self) { try YAMLNode.document(in: bytes) }
        }
    }
}
