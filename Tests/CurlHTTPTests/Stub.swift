enum StubX {}
