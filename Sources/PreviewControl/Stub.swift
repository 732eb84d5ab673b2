enum Stub_PreviewControl {}
