/// A change of an object, as a watch reports it.
package struct ObjectChange: Sendable, Hashable {
    /// The type of the change, with the value of the member `type` in a watch event.
    package enum Action: String, Sendable, Hashable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    package let action: Action
    /// The object after the change. For a deletion, the last state with the resourceVersion of the deletion.
    package let object: JSONValue
    /// The object before the change; `nil` if there was none or it is not known.
    package let previous: JSONValue?
    /// The resourceVersion of the change.
    package let resourceVersion: Int

    package init(action: Action, object: JSONValue, previous: JSONValue?, resourceVersion: Int) {
        self.action = action
        self.object = object
        self.previous = previous
        self.resourceVersion = resourceVersion
    }

    /// The change for a watch with a selector: an object that starts to match is added, and one that stops matching is deleted.
    ///
    /// - Returns: `nil` if the watch does not report the change.
    package func filtered(by matches: (JSONValue) -> Bool) -> ObjectChange? {
        let matchesNow = action != .deleted && matches(object)
        let matchedBefore = action == .deleted ? matches(object) : previous.map(matches) ?? false
        let seen: Action
        switch (matchedBefore, matchesNow) {
        case (false, false): return nil
        case (false, true): seen = .added
        case (true, true): seen = .modified
        case (true, false): seen = .deleted
        }
        var object = object
        if seen == .deleted, action != .deleted, let previous {
            object = previous
            object["metadata", "resourceVersion"] = .string(String(resourceVersion))
        }
        return ObjectChange(action: seen, object: object, previous: previous, resourceVersion: resourceVersion)
    }
}
