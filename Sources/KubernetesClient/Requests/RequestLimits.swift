/// How long requests may take and how much they may bring.
public struct RequestLimits: Hashable, Sendable {
    /// The longest time for one attempt, from its start to the end of the answer.
    public var attemptTimeout: Duration
    /// The longest time for a request with all its attempts and the pauses between them. A list counts each page anew.
    public var totalBudget: Duration
    /// How many objects a page of a list has.
    public var pageSize: Int

    public init(
        attemptTimeout: Duration = .seconds(10),
        totalBudget: Duration = .seconds(30),
        pageSize: Int = 500
    ) {
        self.attemptTimeout = attemptTimeout
        self.totalBudget = totalBudget
        self.pageSize = pageSize
    }

    /// The same for somebody who goes on waiting for `time`.
    func bounded(by time: Duration?) -> RequestLimits {
        guard let time, time < totalBudget else { return self }
        var limits = self
        limits.totalBudget = time
        return limits
    }

    /// How many requests are under way at the same time. Watches do not count. Servers with priority and fairness
    /// answered none of 1,000 deletes with 429 at a concurrency of 64, and most of 2,000 at 500.
    public static let maxConcurrentRequests = 32
    /// How many more may wait for their turn; further ones fail at once.
    public static let maxWaitingRequests = 4096
    /// The longest answer accepted. A list from the server's cache comes in one piece, whatever the page size.
    public static let maxBodyBytes = 128 * 1024 * 1024
    /// The longest answer to a failed request that is read.
    public static let maxErrorBodyBytes = 1024 * 1024
    /// The longest frame of a watch accepted. The server's own limit for an object is 3 MiB.
    public static let maxFrameBytes = 8 * 1024 * 1024
    /// The longest list accepted.
    public static let maxListedObjects = 200_000
    /// How long a watch may say nothing before it is opened anew. A server that sends bookmarks does so about once a
    /// minute, so that a watch in good order costs nothing; one that sends none is asked for a new watch this often.
    public static let maxWatchSilence: Duration = .seconds(90)
    /// How long past its agreed end a watch may say nothing, where that is earlier.
    public static let watchGrace: Duration = .seconds(10)
}
