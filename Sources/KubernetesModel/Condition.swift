/// A condition in an object's status (`metav1.Condition`; `core/v1 PodCondition` has the same members).
public struct Condition: Hashable, Sendable {
    /// The type, for example `Ready` or `Accepted`.
    public var type: String
    public var status: ConditionStatus
    /// The machine-readable reason of the last transition, in CamelCase.
    public var reason: String?
    /// A description for people.
    public var message: String?
    /// The `metadata.generation` for which the condition was set. If the object's is higher, the condition is out of date.
    public var observedGeneration: Int64?

    public init(
        type: String,
        status: ConditionStatus,
        reason: String? = nil,
        message: String? = nil,
        observedGeneration: Int64? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.observedGeneration = observedGeneration
    }
}

/// The status of a condition. A value other than `True` and `False` decodes as unknown.
public enum ConditionStatus: String, Codable, Hashable, Sendable {
    case `true` = "True"
    case `false` = "False"
    case unknown = "Unknown"

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = ConditionStatus(rawValue: text) ?? .unknown
    }
}

extension Condition: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, status, reason, message, observedGeneration
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decode(String.self, forKey: .type)
        status = try container.decodeIfPresent(ConditionStatus.self, forKey: .status) ?? .unknown
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        message = try container.decodeIfPresent(String.self, forKey: .message)
        observedGeneration = try container.decodeIfPresent(Int64.self, forKey: .observedGeneration)
    }
}

extension [Condition] {
    /// The condition with this type; `nil` if there is none.
    public func first(ofType type: String) -> Condition? {
        first { $0.type == type }
    }

    /// The conditions that were set for the object's current generation. A condition without `observedGeneration` is included,
    /// because the member is optional.
    public func current(at generation: Int64?) -> [Condition] {
        guard let generation else { return self }
        return filter { $0.observedGeneration == nil || $0.observedGeneration == generation }
    }

    /// Whether the condition with this type is `True`. False if it is absent or unknown.
    public func isTrue(_ type: String) -> Bool {
        first(ofType: type)?.status == .true
    }
}
