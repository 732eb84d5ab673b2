// Nothing is called by name: see MutexAnnotations.c.
