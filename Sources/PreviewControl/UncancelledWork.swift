/// Where work runs that a cancelled caller must not cancel: the rest of a start whose grant is used, and the deletion of
/// what a failed start made.
///
/// Such work has a task of its own, bounded by its ``AnswerDeadline``. An unstructured task does not inherit its creator's
/// executor preference (SE-0417), so whoever needs all work of a replica on one executor, as a deterministic simulation
/// does, says so here.
package enum UncancelledWork {
    /// The preferred executor of that work; nil for the global one.
    @TaskLocal package static var executor: (any TaskExecutor)?
}
