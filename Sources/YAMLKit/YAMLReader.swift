internal import CLibYAML

/// Composes documents from libyaml's events, within limits.
struct YAMLReader: ~Copyable {
    /// The maximum nesting of sequences and mappings, including those of aliases.
    static let maxDepth = 100
    /// The maximum number of values in a text.
    static let maxValues = 250_000
    /// The maximum size of all values that aliases refer to, counted as one byte for each value and the bytes of its text. With
    /// aliases, a short text can represent billions of values.
    static let maxAliasedBytes = 1 << 20

    /// A value, with its size and its depth.
    private struct Composed {
        let node: YAMLNode
        let bytes: Int
        let depth: Int
    }

    /// A copy of one of libyaml's events.
    private struct Event {
        let type: yaml_event_type_t
        let anchor: String?
        let text: String
        let isPlain: Bool
        let mark: yaml_mark_t

        func error(_ problem: String) -> YAMLError {
            YAMLError(problem: problem, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
        }
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var anchors: [String: Composed] = [:]
    private var values = 0
    private var aliasedBytes = 0

    private init(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        guard let parser = clibyaml_parser_create(bytes.baseAddress, bytes.count) else {
            throw YAMLError(problem: "out of memory", line: 1, column: 1)
        }
        self.bytes = bytes
        self.parser = parser
    }

    deinit {
        clibyaml_parser_free(parser)
    }

    /// Parses all documents of a text in UTF-8.
    static func read(_ bytes: [UInt8], maxDocuments: Int) throws(YAMLError) -> [YAMLNode] {
        guard !bytes.isEmpty else { return [] }
        return try bytes.withUnsafeBufferPointer { bytes throws(YAMLError) in
            var reader = try YAMLReader(bytes)
            return try reader.documents(atMost: maxDocuments)
        }
    }

    private mutating func documents(atMost maxDocuments: Int) throws(YAMLError) -> [YAMLNode] {
        var documents: [YAMLNode] = []
        while true {
            let event = try next()
            switch event.type {
            case YAML_STREAM_END_EVENT: return documents
            case YAML_DOCUMENT_START_EVENT:
                guard documents.count < maxDocuments else { throw event.error("expected a single document") }
                anchors = [:]
                documents.append(try value(next(), depth: 0).node)
            default: continue
            }
        }
    }

    // MARK: Values

    private mutating func value(_ event: Event, depth: Int) throws(YAMLError) -> Composed {
        if event.type == YAML_ALIAS_EVENT { return try alias(event, depth: depth) }
        values += 1
        guard values <= Self.maxValues else { throw event.error("more than \(Self.maxValues) values") }
        let value =
            switch event.type {
            case YAML_SEQUENCE_START_EVENT: try sequence(event, depth: depth + 1)
            case YAML_MAPPING_START_EVENT: try mapping(event, depth: depth + 1)
            default:
                Composed(node: .scalar(event.text, isPlain: event.isPlain), bytes: 1 + event.text.utf8.count, depth: 0)
            }
        // Last, so that no value can contain itself.
        if let anchor = event.anchor { anchors[anchor] = value }
        return value
    }

    private mutating func alias(_ event: Event, depth: Int) throws(YAMLError) -> Composed {
        guard let name = event.anchor, let value = anchors[name] else {
            throw event.error("an alias of an anchor that does not exist")
        }
        guard depth + value.depth <= Self.maxDepth else { throw event.error("nested too deeply") }
        aliasedBytes += value.bytes
        guard aliasedBytes <= Self.maxAliasedBytes else {
            throw event.error("aliases expand to more than \(Self.maxAliasedBytes) bytes")
        }
        return value
    }

    private mutating func sequence(_ start: Event, depth: Int) throws(YAMLError) -> Composed {
        guard depth <= Self.maxDepth else { throw start.error("nested too deeply") }
        var elements: [YAMLNode] = []
        var bytes = 1
        var height = 0
        while true {
            let event = try next()
            guard event.type != YAML_SEQUENCE_END_EVENT else { break }
            let element = try value(event, depth: depth)
            elements.append(element.node)
            bytes += element.bytes
            height = max(height, element.depth)
        }
        return Composed(node: .sequence(elements), bytes: bytes, depth: height + 1)
    }

    private mutating func mapping(_ start: Event, depth: Int) throws(YAMLError) -> Composed {
        guard depth <= Self.maxDepth else { throw start.error("nested too deeply") }
        var members: [String: YAMLNode] = [:]
        var merged: [String: YAMLNode]?
        var bytes = 1
        var height = 0
        while true {
            let event = try next()
            guard event.type != YAML_MAPPING_END_EVENT else { break }
            let key = try value(event, depth: depth)
            guard case .scalar(let name, let isPlain) = key.node else { throw event.error("a key is not a scalar") }
            let valueEvent = try next()
            let member = try value(valueEvent, depth: depth)
            bytes += key.bytes + member.bytes
            height = max(height, member.depth)
            if name == "<<", isPlain {
                guard merged == nil else { throw event.error("duplicate key") }
                merged = try Self.merged(member.node, valueEvent)
            } else {
                guard members.updateValue(member.node, forKey: name) == nil else {
                    throw event.error("duplicate key")
                }
            }
        }
        if let merged { members.merge(merged) { own, _ in own } }
        return Composed(node: .mapping(members), bytes: bytes, depth: height + 1)
    }

    /// The members that a merge key adds: those of one mapping, or of several, of which the first takes precedence.
    private static func merged(_ node: YAMLNode, _ event: Event) throws(YAMLError) -> [String: YAMLNode] {
        var members: [String: YAMLNode] = [:]
        for source in node.elements ?? [node] {
            guard case .mapping(let others) = source else { throw event.error("a merge key's value is not a mapping") }
            members.merge(others) { first, _ in first }
        }
        return members
    }

    // MARK: Events

    private func next() throws(YAMLError) -> Event {
        var event = clibyaml_event()
        guard clibyaml_parser_next(parser, &event) else { throw failure() }
        defer { clibyaml_event_free(&event) }
        return Event(
            type: event.type,
            anchor: event.anchor.map { String(cString: $0) },
            text: String(decoding: UnsafeBufferPointer(start: event.text, count: event.length), as: UTF8.self),
            isPlain: event.is_plain,
            mark: event.event.start_mark
        )
    }

    /// The error of libyaml. Its texts are constants.
    private func failure() -> YAMLError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        guard parser.pointee.error == YAML_READER_ERROR else {
            let mark = parser.pointee.problem_mark
            return YAMLError(problem: problem, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
        }
        // Errors of the reader occur before the text is split into lines.
        let read = bytes.prefix(Int(parser.pointee.problem_offset))
        let lines = read.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let column = lines.last.map { String(decoding: $0, as: UTF8.self).unicodeScalars.count + 1 } ?? 1
        return YAMLError(problem: problem, line: max(lines.count, 1), column: column)
    }
}
