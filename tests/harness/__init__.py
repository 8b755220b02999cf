"""What the tests stand on: processes, the wire, the lake and comparisons."""
