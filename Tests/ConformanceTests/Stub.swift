enum Stub_ConformanceTests {}
