enum Stub_TS {}
