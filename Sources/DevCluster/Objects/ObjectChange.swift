/// One change of one object, as a watch reports it.
package struct ObjectChange: Sendable, Hashable {
    package enum Action: String, Sendable, Hashable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    package let action: Action
    /// The object after the change; for a deletion its last state, with the resourceVersion of the deletion.
    package let object: JSONValue
    /// The object before the change, if there was one and it is known.
    package let previous: JSONValue?
    /// The resourceVersion of the change.
    package let resourceVersion: Int

    package init(action: Action, object: JSONValue, previous: JSONValue?, resourceVersion: Int) {
        self.action = action
        self.object = object
        self.previous = previous
        self.resourceVersion = resourceVersion
    }

    /// What a watcher sees who only watches the objects that `matches` accepts: an object that starts to match is added,
    /// one that ceases to is deleted.
    ///
    /// - Returns: `nil` when the change is none for this watcher.
    package func seen(through matches: (JSONValue) -> Bool) -> ObjectChange? {
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
